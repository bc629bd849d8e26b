"""The connection's state and its backoff."""

from tui.link import BACKOFF, JITTER, Link, State
from tui.poller import ALARM
from tui.problems import OLD


def test_the_wait_grows_and_is_spread() -> None:
    link = Link()
    waits = [link.failed(State.OFFLINE, "refused", 100.0, 0.5) for _ in range(len(BACKOFF) + 2)]
    assert waits == [*BACKOFF, BACKOFF[-1], BACKOFF[-1]]
    assert link.failed(State.OFFLINE, "refused", 100.0, 0.0) == BACKOFF[-1] * 0.8
    assert link.failed(State.OFFLINE, "refused", 100.0, 1.0) == BACKOFF[-1] * 1.2


def test_an_answer_makes_it_live_and_starts_over() -> None:
    link = Link()
    assert not link.stale
    assert link.age(5.0) is None
    link.failed(State.OFFLINE, "refused", 0.0, 0.5)
    assert link.stale
    assert link.answered(10.0)
    assert not link.answered(11.0)
    assert link.age(15.0) == 4.0
    assert link.failed(State.UNAVAILABLE, "store", 20.0, 0.5) == BACKOFF[0]
    assert link.retry_in(20.2) == 1
    assert link.retry_in(99.0) == 0


def test_what_is_over_is_said_within_ten_seconds() -> None:
    assert max(BACKOFF) * (1 + JITTER) + ALARM < OLD
