"""Lists dead letters, and requeues or drops many: those that were counted, and none that came meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from notifier.domain.ids import is_notification_id
from notifier.domain.status import Event
from notifier.errors import ErrorCode, NotifierError
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Change, DeadLetter, DeadReason

DeadLetterEntry = DeadLetter  # for endpoints, which may not import the store
SCAN = 500


class DeadPage(NamedTuple):
    """Entries of the dead-letter queue, how many there are that pass the filter, and the place of the next page."""

    entries: list[DeadLetter]
    total: int
    reasons: list[DeadReason]
    next_place: int | None


class Wanted(NamedTuple):
    """Dead letters that are meant: those of a reason and a channel (empty: any), and of `ids` where there are some.

    `before` (Unix ms of Redis' clock, None: now) leaves out what failed later; with `expected` nothing is done where
    there are now more, or fewer.
    """

    reason: str = ""
    channel: str = ""
    ids: Sequence[str] = ()
    before: int | None = None
    expected: int | None = None


class Counted(NamedTuple):
    """The number of dead letters, and the moment (Unix ms) after which none is counted."""

    number: int
    before: int


class DeadLetterService:
    """The dead-letter queue. Raises `NotifierError` (`not_found`, `conflict`, `invalid`, `unavailable`)."""

    def __init__(
        self, deliveries: Deliveries, on_changes: Callable[[Sequence[Change]], None], now: Callable[[], float]
    ) -> None:
        """`on_changes` is told of every change made here; `now` is Redis' time in Unix seconds."""
        self._deliveries = deliveries
        self._on_changes = on_changes
        self._now = now

    async def page(self, reason: str, channel: str, place: int, limit: int) -> DeadPage:
        """A page of the dead-letter queue from a place on, the newest first."""
        reasons = await self._deliveries.dead_reasons()
        total = sum(n for r, c, n in reasons if reason in ("", r) and channel in ("", c))
        entries = list[DeadLetter]()
        while len(entries) < limit and (page := await self._deliveries.dead_letters(place, SCAN)):
            for entry in page:
                place += 1
                if reason in ("", entry.reason) and channel in ("", entry.channel):
                    entries.append(entry)
                    if len(entries) == limit:
                        break
        more = bool(await self._deliveries.dead_letters(place, 1))
        return DeadPage(entries, total, reasons, place if more else None)

    async def requeue_many(self, wanted: Wanted, dry_run: bool) -> Counted:
        """Requeues deliveries; how many, or would be. What never was a delivery cannot be."""
        before, ids = await self._chosen(wanted, only_deliveries=True)
        if dry_run:
            return Counted(len(ids), before)
        changes: list[Change] = []
        for part in _parts(ids):
            changes += [
                change for change, _ in await self._deliveries.change(Event.REQUEUE, part) if change is not None
            ]
        self._on_changes(changes)
        return Counted(len(changes), before)

    async def drop_many(self, wanted: Wanted, dry_run: bool) -> Counted:
        """Takes entries away for good; how many, or would be."""
        before, ids = await self._chosen(wanted, only_deliveries=False)
        if dry_run:
            return Counted(len(ids), before)
        return Counted(sum([await self._deliveries.drop(*part) for part in _parts(ids)]), before)

    async def drop(self, delivery_id: str) -> None:
        """Takes an entry out of the dead-letter queue for good."""
        if not is_notification_id(delivery_id) or not await self._deliveries.drop(delivery_id):
            raise NotifierError(ErrorCode.NOT_FOUND, "there is no such dead letter")

    async def _chosen(self, wanted: Wanted, *, only_deliveries: bool) -> tuple[int, list[str]]:
        """The moment that bounds what is meant, and the ids: all gathered before any is touched, as that moves places.

        Raises `conflict` where there are not as many as expected.
        """
        before = round(self._now() * 1000) if wanted.before is None else wanted.before
        found, start, named = list[str](), 0, frozenset(wanted.ids)
        while page := await self._deliveries.dead_letters(start, SCAN, before):
            found += [one.id for one in page if _is_meant(one, wanted, named) and (one.channel or not only_deliveries)]
            start += len(page)
        if wanted.expected not in (None, len(found)):
            told = f"there are {len(found)} of them, not {wanted.expected}: count again"
            raise NotifierError(ErrorCode.CONFLICT, told)
        return before, found


def _is_meant(one: DeadLetter, wanted: Wanted, named: frozenset[str]) -> bool:
    if named and one.id not in named:
        return False
    return wanted.reason in ("", one.reason) and wanted.channel in ("", one.channel)


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[first : first + SCAN] for first in range(0, len(ids), SCAN)]
