"""Waker: brings back what was snoozed when its time has come, and delivers what was to come later."""

from __future__ import annotations

import logging
from collections.abc import Callable

from notifier.duties.duty import Duty
from notifier.errors import ErrorCode, NotifierError
from notifier.store.inbox_states import InboxStates, OnArrivals
from notifier.store.inbox_values import Holder
from notifier.store.reports import Reports

INTERVAL = 0.5  # seconds between looks at the index of one server
CLUSTER_INTERVAL = 5.0  # on Redis Cluster it has 16,384 parts: one pod at a time looks through them
COUNT_EVERY = 10  # rounds between two counts of what waits
MOST = 500

log = logging.getLogger("notifier.duties")


class Waker(Duty):
    name = "waker"
    at_once = True

    def __init__(
        self,
        reports: Reports,
        states: InboxStates,
        holder: Holder,
        announce: OnArrivals,
        on_woken: Callable[[str, str], None],
        now: Callable[[], float],
    ) -> None:
        """`announce` brings what came back to connections, `on_woken(user, notification_id)` is told of it; `now` is
        Redis' time in Unix seconds."""
        super().__init__()
        self.interval = CLUSTER_INTERVAL if states.needs_user else INTERVAL
        self.waiting = 0  # notifications that are to come, as of a few rounds ago
        self._reports = reports
        self._states = states
        self._holder = holder
        self._announce = announce
        self._on_woken = on_woken
        self._now = now

    async def round(self) -> None:
        if self._states.needs_user and not await self._reports.begin_sweep(
            self.name, self._holder.pod, self.interval / 2
        ):
            return
        before, seen = round(self._now() * 1000), set[tuple[str, str]]()
        while due := [one for one in await self._reports.snoozed_due(before, MOST + len(seen)) if one not in seen]:
            seen.update(due)
            for user, notification_id in due:
                await self._wake(user, notification_id)
        if seen or self.rounds % COUNT_EVERY == 0:
            self.waiting = await self._reports.snoozed()

    async def _wake(self, user: str, notification_id: str) -> None:
        try:
            if await self._states.wake(self._holder, user, notification_id, self._announce):
                self._on_woken(user, notification_id)
        except NotifierError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                raise
            log.error("waker.failed", extra={"user_id": user}, exc_info=error)
