"""Outcomes of an attempt as values, and the one place that turns them into events of the status machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from notifier.delivery.guarded import NotTried
from notifier.domain.deliveries import Attempt
from notifier.domain.retry import RetryPolicy
from notifier.domain.status import Event
from notifier.providers.base import ProviderError
from notifier.store.delivery_records import Finished, Leased

LEAST_DEFERRAL = 0.2  # seconds
USUAL_DEFERRAL = 1.0  # seconds, where nothing says for how long
HELD = "circuit_open"  # as `guarded.py` says it, and the API
MAX_PROVIDER_ID = 256  # characters of a service's id that are kept

_encode = msgspec.json.Encoder().encode


class Sent(NamedTuple):
    """A provider took it, for one device at least."""

    provider: str
    provider_id: str


class Retry(NamedTuple):
    """All sends failed, and another try in `wait` seconds may help."""

    wait: float
    reason: str
    error: str
    provider: str


class Failed(NamedTuple):
    """No try is left, or none is of use."""

    reason: str
    error: str
    provider: str = ""


class Deferred(NamedTuple):
    """Nothing was tried; worth another look in `wait` seconds, and no retry is used up.

    `reason` is `circuit_open`; empty where only others were before it.
    """

    wait: float
    reason: str = ""


class Expired(NamedTuple):
    """Its time was over before it was tried."""


Outcome = Sent | Retry | Failed | Deferred | Expired


def classify(
    results: Sequence[str | BaseException],
    tried: Sequence[Attempt],
    leased: Leased,
    retry: RetryPolicy,
    uniform: Callable[[float, float], float],
) -> Outcome:
    """The outcome of the sends to all addresses: sent when one device took it, deferred when nothing was tried, and
    else tried again while a retry is left and one of the failures may pass.

    `results` are services' ids and errors; one that is no `ProviderError` is a defect, or the end of this task, and is
    raised unless a device took it.
    """
    taken = [result for result in results if isinstance(result, str)]
    if taken:
        provider = next(attempt.provider for attempt in tried if attempt.outcome == "sent")
        return Sent(provider, taken[0][:MAX_PROVIDER_ID])
    errors = _errors(results)
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    if not tried:
        wait = max(LEAST_DEFERRAL, min(waits, default=USUAL_DEFERRAL)) * uniform(1.0, 1.1)
        return Deferred(wait, HELD if any(error.reason == HELD for error in errors) else "")
    hopeful = [error for error in errors if not error.permanent]
    told = next((one for one in hopeful if not isinstance(one, NotTried)), errors[0])
    if not hopeful or leased.retries >= leased.max_retries:
        return Failed(told.reason, str(told), tried[-1].provider)
    wait = retry.wait(leased.retries, max(waits, default=None), uniform)
    return Retry(wait, told.reason, str(told), tried[-1].provider)


def transition(leased: Leased, owner: str, outcome: Outcome, tried: Sequence[Attempt]) -> Finished:
    """The event of the status machine that an outcome is, with all that is stored of it."""
    blank = Finished(leased.id, owner, leased.lease, Event.EXPIRE, attempts=b",".join(map(_encode, tried)))
    match outcome:
        case Sent(provider, provider_id):
            return blank._replace(event=Event.SENT, provider=provider, provider_id=provider_id)
        case Retry(wait, reason, error, provider):
            return blank._replace(event=Event.RETRY, wait=wait, reason=reason, error=error, provider=provider)
        case Failed(reason, error, provider):
            return blank._replace(event=Event.FAIL, reason=reason, error=error, provider=provider)
        case Deferred(wait, reason):
            return blank._replace(event=Event.DEFER, wait=wait, reason=reason)
        case Expired():
            return blank


def _errors(results: Sequence[str | BaseException]) -> list[ProviderError]:
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, ProviderError):
            raise result
    return [result for result in results if isinstance(result, ProviderError)]
