"""Queue watch: keeps the figures of the queues that metrics and screens show."""

from __future__ import annotations

from collections.abc import Callable

from notifier.duties.duty import Duty
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Queues


class QueueWatch(Duty):
    name = "queue watch"
    interval = 2.0

    def __init__(self, deliveries: Deliveries, on_queues: Callable[[Queues], None]) -> None:
        super().__init__()
        self._deliveries = deliveries
        self._on_queues = on_queues

    async def round(self) -> None:
        self._on_queues(await self._deliveries.queues())
