"""`Retry-After`: every form that HTTP knows, what services make of it, and what nobody means."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.providers.waits import MAX_WAIT, retry_after
from tests.providers.contract import failure

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT

WAITS = [
    ("0", 0.0),
    ("17", 17.0),
    ("017", 17.0),
    (" 17 ", 17.0),
    ("1.5", 1.5),
    ("86401", MAX_WAIT),
    ("9" * 200, MAX_WAIT),
    ("9" * 10_000, MAX_WAIT),
    ("Fri, 15 Jan 2027 08:01:00 GMT", 60.0),
    ("Friday, 15-Jan-27 08:01:00 GMT", 60.0),
    ("Fri Jan 15 08:01:00 2027", 60.0),
    ("Fri, 15 Jan 2027 08:01:00 -0000", 60.0),
    ("Fri, 15 Jan 2027 08:01:00 +0000", 60.0),
    ("Fri, 15 Jan 2027 09:01:00 +0100", 60.0),
    ("Fri, 15 Jan 2027 08:01:00", 60.0),
    ("Fri, 15 Jan 2027 08:01:60 GMT", 119.0),
    ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
    ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
    ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT),
    ("Fri, 15 Jan 99999 08:01:00 GMT", None),
    ("Fri, 15 Jan 2027 08:01:00 +9999", None),
    ("Fri, 15 Jan 2027 08:01:00 -9999999999", None),
    ("Fri, 31 Feb 2027 08:01:00 GMT", None),
    ("Fri, 15 Jan 2027 25:61:00 GMT", None),
    ("-5", None),
    ("+5", None),
    ("-0000", None),
    ("1e9", None),
    ("inf", None),
    ("nan", None),
    ("0x10", None),
    ("٣", None),
    ("²", None),
    ("1_0", None),
    ("", None),
    (" ", None),
    (",", None),
    ("soon", None),
    ("5, 10", 10.0),
    ("10, 5", 10.0),
    ("5, soon", 5.0),
    ("5, Fri, 15 Jan 2027 08:01:00 GMT", 60.0),
    ("Fri, 15 Jan 2027 08:01:00 GMT, 120", 120.0),
]


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"])
def zone(request, monkeypatch):
    """The machine's own zone says nothing about a date of HTTP."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("text", "wait"), WAITS)
def test_waits(zone, text, wait):
    assert retry_after(text, NOW) == wait


@given(st.text(max_size=80) | st.from_regex(r"[A-Z][a-z]{2},? [0-9]{1,3} [A-Z][a-z]{2} [0-9]+ [0-9:.]+ [-+A-Z0-9]*"))
@example("Mon, 01 Jan 0000 00:00:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 +1400")
def test_any_text_has_an_answer(text):
    wait = retry_after(text, NOW)
    assert wait is None or 0 <= wait <= MAX_WAIT


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ([("Retry-After", "5"), ("Retry-After", "30")], 30.0),
        ([("Retry-After", "30"), ("Retry-After", "5")], 30.0),
        ([("Retry-After", "Fri Jan 15 08:01:00 2027")], 60.0),
        ([("Retry-After", "Fri, 15 Jan 2027 08:01:00 +9999")], None),
    ],
)
async def test_an_answer_says_when(build, peer, message, headers, wait):
    from multidict import CIMultiDict

    peer.answers[:] = [(429, CIMultiDict(headers), b"")]
    error = await failure(build(peer.url), message())
    assert (error.reason, error.retry_after) == ("throttled", wait)
