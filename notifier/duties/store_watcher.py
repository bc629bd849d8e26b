"""Looks every minute, and at each connect, whether the store keeps what it is given."""

from __future__ import annotations

from notifier.duties.duty import Duty
from notifier.store.redis.watch import StoreWatch


class StoreWatcher(Duty):
    """A round is one look; a store that is away is looked at when it is back."""

    name = "store watch"
    interval = 60.0
    at_once = True

    def __init__(self, watch: StoreWatch) -> None:
        super().__init__()
        self._watch = watch

    async def round(self) -> None:
        await self._watch.look()
