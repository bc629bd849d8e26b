"""Retention trimmer: cuts inboxes to their newest entries, and gives them the life that their users chose."""

from __future__ import annotations

from collections.abc import Callable

from notifier.store.inbox import Inbox
from notifier.store.reports import Reports
from notifier.workers.worker import Worker

BATCH = 200


class Trimmer(Worker):
    name = "trimmer"

    def __init__(self, reports: Reports, inbox: Inbox, on_trimmed: Callable[[int], None], *, interval: float) -> None:
        """`on_trimmed` is told how many unread ones were cut; `interval` in seconds."""
        super().__init__()
        self.interval = interval
        self._reports = reports
        self._inbox = inbox
        self._on_trimmed = on_trimmed

    async def round(self) -> None:
        """Works both lists off. Pods share it: each draws at random, and a user dealt with is off the list."""
        while users := await self._reports.overfull(BATCH):
            for user in users:
                self._on_trimmed(await self._inbox.trim(user))
        while users := await self._reports.retention_changed(BATCH):
            for user in users:
                await self._inbox.retain(user)
