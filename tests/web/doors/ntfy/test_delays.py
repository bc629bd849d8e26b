"""Delays: durations, Unix times and words, as ntfy's own tests have them (util/time_test.go)."""

from datetime import UTC, datetime

import pytest

from notifier.web.doors.ntfy.delays import due_at
from notifier.web.doors.ntfy.refusals import Refusal

FRIDAY = datetime(2021, 12, 10, 10, 17, 23, tzinfo=UTC).timestamp()


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("11am", "2021-12-10T11:00:00"),
        ("9am", "2021-12-11T09:00:00"),
        ("at 11 am", "2021-12-10T11:00:00"),
        ("12am", "2021-12-11T00:00:00"),
        ("12pm", "2021-12-10T12:00:00"),
        ("noon", "2021-12-10T12:00:00"),
        ("18:30", "2021-12-10T18:30:00"),
        ("8:15:30pm", "2021-12-10T20:15:30"),
        ("Monday, 10:15am", "2021-12-13T10:15:00"),
        ("sunday 11 p.m.", "2021-12-12T23:00:00"),
        ("friday 11am", "2021-12-10T11:00:00"),
        ("10am tomorrow", "2021-12-11T10:00:00"),
        ("Tomorrow, 10am", "2021-12-11T10:00:00"),
        ("tomorrow", "2021-12-11T10:17:23"),
        ("today at 12:00", "2021-12-10T12:00:00"),
        ("on saturday at 5:00", "2021-12-11T05:00:00"),
        ("sat", "2021-12-11T10:17:23"),
        ("30m", "2021-12-10T10:47:23"),
        ("30min", "2021-12-10T10:47:23"),
        ("1h30m", "2021-12-10T11:47:23"),
        ("1.5h", "2021-12-10T11:47:23"),
        ("3d", "2021-12-13T10:17:23"),
        ("2 days", "2021-12-12T10:17:23"),
        ("in 5 minutes", "2021-12-10T10:22:23"),
        ("90 secs", "2021-12-10T10:18:53"),
        ("  10s ", "2021-12-10T10:17:33"),
        ("1639135043", "2021-12-10T11:17:23"),
    ],
)
def test_a_time_to_come(text, due):
    assert due_at(text, FRIDAY) == at(due)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 40004),
        ("soon", 40004),
        ("-5m", 40004),
        ("10", 40004),
        ("1639131442", 40004),
        ("13pm", 40004),
        ("0am", 40004),
        ("25:00", 40004),
        ("10:60", 40004),
        ("10am in Paris", 40004),
        ("10am and 11am", 40004),
        ("monday tuesday", 40004),
        ("five minutes", 40004),
        ("1 fortnight", 40004),
        ("٣m", 40004),
        ("9" * 400, 40004),
        ("1639131445", 40005),
        ("9s", 40005),
        ("0s", 40005),
        ("today 9am", 40005),
        ("73h", 40006),
        ("4d", 40006),
        ("999999999 days", 40006),
        ("1639400000", 40006),
        ("thursday", 40006),
        ("9" * 400 + "h", 40006),
    ],
)
def test_no_time_that_is_taken(text, number):
    with pytest.raises(Refusal) as raised:
        due_at(text, FRIDAY)
    assert raised.value.number == number
