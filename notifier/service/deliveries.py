"""Reads, lists, cancels and retries deliveries, for senders and operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from notifier.domain.channels import CHANNELS
from notifier.domain.deliveries import Filter, Record, shown_record
from notifier.domain.ids import is_notification_id
from notifier.domain.status import Event, Status
from notifier.errors import ErrorCode, NotifierError
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Change, Queues


class DeliveryService:
    """Looking at deliveries and changing them. Raises `NotifierError` (`not_found`, `conflict`, `unavailable`)."""

    def __init__(
        self,
        deliveries: Deliveries,
        on_changes: Callable[[Sequence[Change]], None],
        on_paused: Callable[[str, bool], None] = lambda channel, paused: None,
    ) -> None:
        """`on_changes` is told of every change made here, `on_paused` of a channel that is held or let go."""
        self._deliveries = deliveries
        self._on_changes = on_changes
        self._on_paused = on_paused

    # -- looking

    async def get(self, delivery_id: str) -> dict[str, Any]:
        """A delivery as the API shows it."""
        record = await self._deliveries.get(_checked(delivery_id))
        if record is None:
            raise _unknown()
        return (await self._shown([record]))[0]

    async def status(self, delivery_id: str) -> dict[str, Any]:
        """The status of a delivery with every attempt, the oldest first."""
        found = await self._deliveries.attempts(_checked(delivery_id))
        if found is None:
            raise _unknown()
        return {"id": delivery_id, "status": found[0], "attempts": msgspec.Raw(found[1])}

    async def search(self, wanted: Filter, page: int, limit: int) -> dict[str, Any]:
        """A page of deliveries, the newest first; `page` counts from 1. Where there are too many to be counted,
        `total_is_minimum` says that `total` is how many there are at least."""
        found = await self._deliveries.search(wanted, (page - 1) * limit, limit)
        shown = await self._shown(found.records)
        answer = {"notifications": shown, "page": page, "limit": limit, "total": found.total}
        return answer if found.exact else {**answer, "total_is_minimum": True}

    async def batch(self, batch_id: str, page: int, limit: int) -> dict[str, Any]:
        """A batch: how many are in which status, and a page of its deliveries in their order."""
        found = await self._deliveries.batch(_checked(batch_id), (page - 1) * limit, limit)
        if found is None:
            raise NotifierError(ErrorCode.NOT_FOUND, "there is no such batch")
        statuses, records = found
        return {
            "batch_id": batch_id,
            "total": sum(statuses.values()),
            "statuses": statuses,
            "notifications": await self._shown(records),
            "page": page,
            "limit": limit,
        }

    async def _shown(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """Records as the API shows them; the store is asked which channels are held where that matters."""
        waiting = any(record.status is Status.QUEUED for record in records)
        paused = await self._deliveries.paused() if waiting else ()
        return [shown_record(record, paused) for record in records]

    async def queues(self) -> Queues:
        """All queues: waiting and leased deliveries."""
        return await self._deliveries.queues()

    # -- changing

    async def cancel(self, delivery_id: str) -> None:
        """Cancels a delivery that no worker has taken; else `conflict`."""
        await self._change(Event.CANCEL, delivery_id)

    async def retry(self, delivery_id: str) -> None:
        """Tries at once: what waits for its time, or what failed. Anything else is a `conflict`."""
        ((change, before),) = await self._deliveries.change(Event.DUE, [_checked(delivery_id)])
        if before is Status.FAILED:
            await self._change(Event.REQUEUE, delivery_id)
        else:
            self._conclude(change, before, "retried")

    async def requeue(self, delivery_id: str) -> None:
        """Takes a delivery out of the dead-letter queue into its own."""
        await self._change(Event.REQUEUE, delivery_id)

    async def pause(self, channel: str, paused: bool) -> None:
        """Holds a channel's queue, or lets it go on."""
        if channel not in CHANNELS:
            raise NotifierError(ErrorCode.NOT_FOUND, f"there is no such channel; there are {', '.join(CHANNELS)}")
        await self._deliveries.pause(channel, paused)
        self._on_paused(channel, paused)
        if not paused:
            self._on_changes([Change("", Status.QUEUED, channel, "")])

    async def _change(self, event: Event, delivery_id: str) -> None:
        ((change, before),) = await self._deliveries.change(event, [_checked(delivery_id)])
        self._conclude(change, before, {Event.CANCEL: "cancelled", Event.REQUEUE: "requeued"}[event])

    def _conclude(self, change: Change | None, before: Status | None, what: str) -> None:
        if before is None:
            raise _unknown()
        if change is None:
            raise NotifierError(ErrorCode.CONFLICT, f"this one is {before} and cannot be {what}")
        self._on_changes([change])


def _checked(delivery_id: str) -> str:
    if not is_notification_id(delivery_id):
        raise _unknown()
    return delivery_id


def _unknown() -> NotifierError:
    return NotifierError(ErrorCode.NOT_FOUND, "there is no such notification")
