"""Followers of events: while somebody here follows the cluster's events, asks the other pods for theirs."""

from __future__ import annotations

from collections.abc import Callable

from notifier.duties.duty import Duty
from notifier.live.events import EventFeed
from notifier.store.bus import Bus, Listening
from notifier.store.events import EventLog

WANTED_FOR = 10.0


class Asker(Duty):
    """Asks the other instances for their events, every few seconds."""

    name = "event-asker"
    interval = WANTED_FOR / 3

    def __init__(self, bus: Bus, feed: EventFeed, others: Callable[[], list[str]]) -> None:
        super().__init__()
        self._bus = bus
        self._feed = feed
        self._others = others

    async def round(self) -> None:
        if self._feed.listeners:
            for pod in self._others():
                self._bus.post(pod, Listening(WANTED_FOR))


class Follower(Duty):
    """Reads the other pods' events while there is a listener here."""

    name = "event-follower"
    interval = 0.5

    def __init__(self, log: EventLog, feed: EventFeed, others: Callable[[], list[str]]) -> None:
        super().__init__()
        self._log = log
        self._feed = feed
        self._others = others

    async def round(self) -> None:
        if not self._feed.listeners or not self._others():
            return
        async for events in self._log.follow():
            self._succeed()
            self._feed.receive(events)
            if not self._feed.listeners:
                return
