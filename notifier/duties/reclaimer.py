"""Reclaimer: puts back into their queues the deliveries whose workers did not come back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from notifier.domain.channels import CHANNELS
from notifier.duties.duty import Duty
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Change

MOST = 200


class Reclaimer(Duty):
    name = "reclaimer"

    def __init__(
        self,
        deliveries: Deliveries,
        on_changes: Callable[[Sequence[Change]], None],
        owner: str,
        lease: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lease` in seconds."""
        super().__init__()
        self.interval = min(5.0, lease / 3)
        self._deliveries = deliveries
        self._on_changes = on_changes
        self._owner = owner
        self._lease = lease
        self._monotonic = monotonic
        self._last_round: float | None = None
        self._rescued = 0

    async def round(self) -> None:
        """While the store was away nobody could renew a lease or record what had been sent: after that those who work
        get an interval's time to do so, or what was sent would be sent again."""
        before, self._last_round = self._last_round, None
        if before is not None and self._monotonic() - before < self._lease:
            for channel in CHANNELS:
                self._on_changes(await self._deliveries.reclaim(channel, self._owner, self._lease, MOST))
            await self._rescue()
        else:
            await self._deliveries.ping()
        self._last_round = self._monotonic()

    async def _rescue(self) -> None:
        """After a queue or the schedule was found to be another program's: puts back what stood in it."""
        losses = self._deliveries.losses
        if losses != self._rescued:
            for channel in CHANNELS:
                self._on_changes(await self._deliveries.rescue(channel, self._lease))
            self._rescued = losses
