"""Outcomes: how results are classified, and the event that each outcome is."""

import asyncio

import pytest

from notifier.delivery.guarded import NotTried
from notifier.delivery.outcomes import Deferred, Expired, Failed, Retry, Sent, classify, transition
from notifier.domain.deliveries import Attempt
from notifier.domain.retry import RetryPolicy
from notifier.domain.status import Event
from notifier.providers.base import ProviderError
from notifier.store.delivery_records import Finished, Leased

POLICY = RetryPolicy((5.0, 30.0))


def leased(retries=0, most=3):
    return Leased("d1", "7-0", b"{}", retries, most, None, "high", 0)


def tried(*outcomes):
    return [Attempt("2026-01-01T00:00:00.000Z", f"p{number}", one, "", 1.0) for number, one in enumerate(outcomes)]


def classified(results, attempts, lease=None):
    return classify(results, attempts, lease or leased(), POLICY, lambda low, high: low)


CONNECT = ProviderError("connect")
BUSY = ProviderError("throttled", "429", retry_after=60.0)
REFUSED = ProviderError("rejected", "400", permanent=True)
OPEN = NotTried("circuit_open", "p", 9.0)


@pytest.mark.parametrize(
    ("results", "outcomes", "expected"),
    [
        (["id"], ["sent"], Sent("p0", "id")),
        ([CONNECT, "id"], ["retry", "sent"], Sent("p1", "id")),
        ([REFUSED, "i" * 300], ["failed", "sent"], Sent("p1", "i" * 256)),
        ([CONNECT], ["retry"], Retry(4.0, "connect", "connect", "p0")),
        ([BUSY], ["retry"], Retry(60.0, "throttled", "throttled: 429", "p0")),
        ([CONNECT, BUSY], ["retry", "retry"], Retry(60.0, "connect", "connect", "p1")),
        ([REFUSED, CONNECT], ["failed", "retry"], Retry(4.0, "connect", "connect", "p1")),
        ([REFUSED, OPEN], ["failed"], Retry(9.0, "rejected", "rejected: 400", "p0")),
        ([REFUSED], ["failed"], Failed("rejected", "rejected: 400", "p0")),
        ([REFUSED, REFUSED], ["failed", "failed"], Failed("rejected", "rejected: 400", "p1")),
        ([OPEN], [], Deferred(9.0, "circuit_open")),
        ([OPEN, NotTried("busy", "r", 0.5)], [], Deferred(0.5, "circuit_open")),
        ([NotTried("busy", "r", 0.0)], [], Deferred(0.2)),
    ],
)
def test_results_come_to_an_outcome(results, outcomes, expected):
    assert classified(results, tried(*outcomes)) == expected


def test_after_the_last_retry_it_has_failed():
    lease = leased(retries=3, most=3)
    assert classified([CONNECT], tried("retry"), lease) == Failed("connect", "connect", "p0")
    assert classified([OPEN], [], lease) == Deferred(9.0, "circuit_open")  # no retry is used up where nothing was tried


@pytest.mark.parametrize("defect", [KeyError("x"), asyncio.CancelledError()])
def test_a_defect_is_raised_unless_a_device_took_it(defect):
    with pytest.raises(type(defect)):
        classified([CONNECT, defect], tried("retry"))
    assert classified([defect, "id"], tried("sent")) == Sent("p0", "id")


@pytest.mark.parametrize(
    ("outcome", "event", "facts"),
    [
        (Sent("p", "id"), Event.SENT, {"provider": "p", "provider_id": "id"}),
        (Retry(4.0, "r", "e", "p"), Event.RETRY, {"wait": 4.0, "reason": "r", "error": "e", "provider": "p"}),
        (Failed("r", "e", "p"), Event.FAIL, {"reason": "r", "error": "e", "provider": "p"}),
        (Deferred(2.0, "circuit_open"), Event.DEFER, {"wait": 2.0, "reason": "circuit_open"}),
        (Expired(), Event.EXPIRE, {}),
    ],
)
def test_an_outcome_is_an_event_of_the_status_machine(outcome, event, facts):
    attempts = tried("retry", "sent")
    found = transition(leased(), "pod-a", outcome, attempts)
    assert found._replace(attempts=b"") == Finished("d1", "pod-a", "7-0", event, **facts)
    assert [part.count(b'"provider"') for part in found.attempts.split(b"},{")] == [1, 1]
