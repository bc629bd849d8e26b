"""TTL janitor: removes what has expired and tells the users whose unread notifications went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from notifier.duties.duty import Duty
from notifier.duties.per_user import for_each
from notifier.store.inbox_upkeep import InboxUpkeep
from notifier.store.reports import Reports

BATCH = 500


class Janitor(Duty):
    name = "janitor"

    def __init__(
        self,
        reports: Reports,
        upkeep: InboxUpkeep,
        pod: str,
        tell_cleared: Callable[[str, str], Awaitable[None]],
        on_cleared: Callable[[str, int], None],
        note_change: Callable[[str, Sequence[bytes]], None],
        *,
        interval: float,
        look_again: float,
        now: Callable[[], float],
    ) -> None:
        """`note_change(user, pods)` is told of inboxes of which only read ones went; `interval` and `look_again` (for
        an empty stream of somebody connected) in seconds."""
        super().__init__()
        self.interval = interval
        self._reports = reports
        self._upkeep = upkeep
        self._pod = pod
        self._tell_cleared = tell_cleared
        self._on_cleared = on_cleared
        self._note_change = note_change
        self._look_again = look_again
        self._now = now
        self._removed = 0

    async def round(self) -> None:
        # Half the interval: the pod whose round comes first does it, and one that dies leaves it to the next.
        if await self._reports.begin_sweep(self.name, self._pod, self.interval / 2):
            await self.sweep()

    async def sweep(self) -> int:
        """Goes through all users some payload of whom has expired; how many entries went."""
        removed, before, seen = self._removed, round(self._now() * 1000), set[str]()
        # A user may be due again at once; each gets one visit per sweep, or a busy one would keep it going for ever.
        while users := [user for user in await self._reports.due(before, BATCH + len(seen)) if user not in seen]:
            seen.update(users)
            await for_each(self._upkeep, users, self._expire)
        return self._removed - removed

    async def _expire(self, user: str) -> None:
        removed, unread, owner, pods = await self._upkeep.expire(user, self._look_again)
        self._removed += removed
        if unread:
            self._on_cleared(user, unread)
            await self._tell_cleared(user, owner)
        elif pods:
            self._note_change(user, pods)
