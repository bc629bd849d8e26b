"""Circuit watch: learns what other pods have found about the providers."""

from __future__ import annotations

from notifier.delivery.breakers import Breakers
from notifier.duties.duty import Duty


class CircuitWatch(Duty):
    name = "circuit watch"
    interval = 1.0

    def __init__(self, breakers: Breakers) -> None:
        super().__init__()
        self._breakers = breakers

    async def round(self) -> None:
        await self._breakers.refresh()
