"""Forgetter: removes the records of deliveries that ended longer ago than they are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from notifier.duties.duty import Duty
from notifier.store.deliveries import FORGET_BATCH, Deliveries

INTERVAL = 60.0


class Forgetter(Duty):
    name = "forgetter"
    interval = INTERVAL

    def __init__(
        self,
        deliveries: Deliveries,
        begin_sweep: Callable[[str, float], Awaitable[bool]],
        retention: float,
        now: Callable[[], float],
    ) -> None:
        """`begin_sweep` says whether this pod does the sweep of that name in these seconds; `retention` in seconds."""
        super().__init__()
        self._deliveries = deliveries
        self._begin_sweep = begin_sweep
        self._retention = retention
        self._now = now

    def reconfigure(self, retention: float) -> None:
        """Replaces the retention, for the next sweep."""
        self._retention = retention

    async def round(self) -> None:
        if await self._begin_sweep(self.name, self.interval / 2):
            await self.sweep()

    async def sweep(self) -> int:
        """Removes all that is due; how many."""
        before, removed = round((self._now() - self._retention) * 1000), 0
        while count := await self._deliveries.forget(before):
            removed += count
            if count < FORGET_BATCH:
                break
        return removed
