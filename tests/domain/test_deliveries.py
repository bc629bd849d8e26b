"""Users of deliveries (contract §7)."""

import pytest

from notifier.domain.deliveries import Record, shown_record, user_problem, wait_of
from notifier.domain.status import Status


@pytest.mark.parametrize(
    "user",
    ["1-alice", "अजय", "क्‍ष", "می‌شود", "e\u0301", "👩‍👩‍👧", "a b", "a\u00a0b", "x" * 128, "{a}:*", "\u0627\u0644\u200f"],
)
def test_a_user_is_any_text(user):
    assert user_problem(user) is None


@pytest.mark.parametrize(
    "user", ["", "x" * 129, "a\nb", "a\r", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", 7]
)
def test_a_user_is_one_line_of_text(user):
    assert user_problem(user) is not None


@pytest.mark.parametrize(
    ("status", "paused", "held_by", "wait"),
    [
        ("scheduled", False, None, ("not_due", "T1")),
        ("scheduled", True, None, ("not_due", "T1")),
        ("scheduled", False, "circuit_open", ("circuit_open", "T0")),
        ("scheduled", False, "rate_limited", ("rate_limited", "T0")),
        ("queued", False, None, ("in_queue", "T1")),
        ("queued", False, "circuit_open", ("circuit_open", "T0")),
        ("queued", True, None, ("channel_paused", "T1")),
        ("queued", True, "circuit_open", ("channel_paused", "T0")),
        ("retrying", False, None, ("backoff", "T1")),
        ("processing", True, "circuit_open", None),
        ("sent", True, None, None),
        ("failed", False, None, None),
        ("cancelled", False, None, None),
        ("expired", False, None, None),
    ],
)
def test_what_a_delivery_waits_for(status, paused, held_by, wait):
    record = Record(b'{"channel":"sms"}', Status(status), 0, "T1", held_by=held_by, held_since=held_by and "T0")
    assert wait_of(record, paused) == wait
    shown = shown_record(record, {"sms"} if paused else set())
    assert (shown.get("waiting_for"), shown.get("since")) == (wait or (None, None))
