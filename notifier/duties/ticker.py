"""Ticker: checks the deadlines of connections once a second, and measures how late the event loop is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from notifier.duties.duty import Duty
from notifier.live.hub import Hub


class Ticker(Duty):
    name = "ticker"
    interval = 0.0

    def __init__(self, hub: Hub, on_lag: Callable[[float], None]) -> None:
        """`on_lag` is told, in seconds, how late the loop woke this duty."""
        super().__init__()
        self._hub = hub
        self._on_lag = on_lag

    async def round(self) -> None:
        due = time.monotonic() + 1.0
        await asyncio.sleep(1.0)
        now = time.monotonic()
        self._on_lag(max(0.0, now - due))
        self._hub.tick(now)
