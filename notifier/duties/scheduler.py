"""Scheduler: moves what is due, scheduled or to be retried, into the queues, and tells where something waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from notifier.duties.duty import Duty
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Change

INTERVAL = 0.1  # seconds; well within SCHEDULER_INTERVAL and RETRY_INTERVAL
MOST = 500


class Scheduler(Duty):
    name = "scheduler"
    at_once = True

    def __init__(
        self,
        deliveries: Deliveries,
        on_changes: Callable[[Sequence[Change]], None],
        poke: Callable[[Iterable[str]], None],
        bound: float,
    ) -> None:
        """`poke` is told the channels in whose queues something waits; `bound` is the seconds that a start may be
        late."""
        super().__init__()
        self.interval = min(INTERVAL, bound)
        self._deliveries = deliveries
        self._on_changes = on_changes
        self._poke = poke

    async def round(self) -> None:
        while True:
            moved, waiting = await self._deliveries.move_due(MOST)
            self._on_changes(moved)
            self._poke(waiting)
            if len(moved) < MOST:
                return
