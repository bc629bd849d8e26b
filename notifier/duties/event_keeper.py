"""Event keeper: writes this instance's notable events to the stream that keeps them for a day."""

from __future__ import annotations

from notifier.duties.duty import Duty
from notifier.errors import NotifierError
from notifier.live.events import EventFeed
from notifier.store.events import EventLog


class EventKeeper(Duty):
    """A round each second; what the store does not take waits, with its own time, until it does."""

    name = "event keeper"
    interval = 1.0

    def __init__(self, log: EventLog, feed: EventFeed) -> None:
        super().__init__()
        self._log = log
        self._feed = feed

    async def round(self) -> None:
        events = self._feed.take_notable()
        if not events:
            return
        try:
            await self._log.remember(events)
        except NotifierError:
            self._feed.put_back(events)
            raise
