"""History writer: keeps this instance's figures of the current minute in Redis."""

from __future__ import annotations

from collections.abc import Callable

from notifier.duties.duty import Duty
from notifier.store.history import History

MINUTE = 60


class HistoryWriter(Duty):
    """A round writes the minute anew; what was not written while the store was away is a hole."""

    name = "history writer"
    interval = 5.0

    def __init__(self, history: History, read: Callable[[int], bytes], now: Callable[[], float]) -> None:
        """`read` answers the figures of a minute, counted from 1970; `now` is Redis' time in Unix seconds."""
        super().__init__()
        self._history = history
        self._read = read
        self._now = now

    async def round(self) -> None:
        minute = int(self._now() / MINUTE)
        await self._history.write(minute, self._read(minute))
