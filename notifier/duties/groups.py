"""Consumer-group maintenance: walks over all users, a slice per round, and mends what does not fit together."""

from __future__ import annotations

import logging

from notifier.duties.duty import Duty
from notifier.duties.per_user import for_each
from notifier.store.inbox_upkeep import InboxUpkeep
from notifier.store.reports import Reports

SLICE = 500

log = logging.getLogger("notifier.duties")


class GroupMaintenance(Duty):
    name = "groups"

    def __init__(self, reports: Reports, upkeep: InboxUpkeep, pod: str, *, interval: float) -> None:
        """`interval` in seconds between slices of 500 users."""
        super().__init__()
        self.interval = interval
        self._reports = reports
        self._upkeep = upkeep
        self._pod = pod
        self._cursor = ""

    async def round(self) -> None:
        if not await self._reports.begin_sweep(self.name, self._pod, self.interval / 2):
            return
        users, _, cursor = await self._reports.users("", self._cursor, SLICE)
        self._cursor = cursor or ""
        await for_each(self._upkeep, users, self._repair)

    async def _repair(self, user: str) -> None:
        removed, created = await self._upkeep.repair(user)
        if removed or created:
            log.info("group.repaired", extra={"user_id": user, "removed": removed, "group_made": bool(created)})
