"""Retention trimmer: cuts inboxes to their newest entries, and gives them the life that their users chose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from notifier.duties.duty import Duty
from notifier.duties.per_user import for_each
from notifier.store.inbox_upkeep import InboxUpkeep
from notifier.store.reports import Reports

BATCH = 200


class Trimmer(Duty):
    name = "trimmer"

    def __init__(
        self,
        reports: Reports,
        upkeep: InboxUpkeep,
        on_trimmed: Callable[[int], None],
        note_change: Callable[[str, Sequence[bytes]], None],
        *,
        interval: float,
    ) -> None:
        """`on_trimmed` is told how many unread ones were cut, `note_change(user, pods)` of each inbox; `interval` in
        seconds."""
        super().__init__()
        self.interval = interval
        self._reports = reports
        self._upkeep = upkeep
        self._on_trimmed = on_trimmed
        self._note_change = note_change

    async def round(self) -> None:
        """Works both lists off. Pods share it: each draws at random, and a user dealt with is off the list."""
        await self._work_off(self._reports.overfull, self._trim)
        await self._work_off(self._reports.retention_changed, self._retain)

    async def _work_off(
        self, draw: Callable[[int], Awaitable[list[str]]], work: Callable[[str], Awaitable[None]]
    ) -> None:
        seen = set[str]()  # one over whose keys it failed stays on the list until the next round
        while users := [user for user in await draw(BATCH + len(seen)) if user not in seen]:
            seen.update(users)
            await for_each(self._upkeep, users, work)

    async def _trim(self, user: str) -> None:
        trimmed, pods = await self._upkeep.trim(user)
        self._on_trimmed(trimmed)
        if pods:
            self._note_change(user, pods)

    async def _retain(self, user: str) -> None:
        await self._upkeep.retain(user)
