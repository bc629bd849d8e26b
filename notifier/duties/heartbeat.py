"""Heartbeat and presence: renews this instance's, reads those of the others, and takes over from dead ones."""

from __future__ import annotations

import time
from collections.abc import Callable

from notifier.duties.duty import Duty
from notifier.live.router import Router
from notifier.store.presence import PodRecord, Presence


class Heartbeat(Duty):
    """A round every third of the presence's life; the contract's heartbeat and the locks at their own pace."""

    name = "heartbeat"
    at_once = True

    def __init__(
        self,
        presence: Presence,
        router: Router,
        document: Callable[[], bytes],
        counts: Callable[[], dict[str, int]],
        reported: Callable[[dict[str, int]], None],
        *,
        beat_interval: float,
        renew_interval: float,
        on_bus_lost: Callable[[], None],
        on_pods: Callable[[str, str], None],
        on_records: Callable[[list[PodRecord]], None] = lambda records: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`document` is what this pod says of itself; `counts` what the totals lack; intervals in seconds;
        `on_pods(event, pod)` is told who joined and left, `on_records` what each look at the instances found."""
        super().__init__()
        self.interval = presence.ttl / 3
        self.max_backoff = self.interval  # else it would be taken for dead once the store is back
        self._presence = presence
        self._router = router
        self._document = document
        self._counts = counts
        self._reported = reported
        self._beat_interval = beat_interval
        self._renew_interval = renew_interval
        self._on_bus_lost = on_bus_lost
        self._on_pods = on_pods
        self._on_records = on_records
        self._clock = clock
        self._next_beat = self._next_renewal = clock()
        self._alive: set[str] | None = None

    @property
    def others(self) -> list[str]:
        """The pods alive beside this one."""
        return sorted((self._alive or set()) - {self._router.holder.pod})

    async def is_dead(self, pod: str) -> bool:
        """True for an instance that is gone. An absent one may have come since the last look: the store is asked."""
        return self._alive is not None and pod not in self._alive and not await self._presence.alive(pod)

    async def round(self) -> None:
        pod, now = self._router.holder.pod, self._clock()
        await self._presence.try_writes()
        if self._router.holder.fence == 0:  # the store took no writes when this pod started
            self._router.holder.fence = await self._presence.enrol()
        if not await self._presence.renew(pod, self._document()):
            self._on_bus_lost()
        if now >= self._next_beat:
            await self._presence.beat(pod)
            self._next_beat = now + self._beat_interval
        await self._flush_counts()
        await self._look_at_pods()
        if now >= self._next_renewal:
            await self._router.renew()
            self._next_renewal = now + self._renew_interval

    async def _flush_counts(self) -> None:
        counts = self._counts()
        if any(counts.values()):
            await self._presence.add_totals(counts)
            self._reported(counts)

    async def _look_at_pods(self) -> None:
        records = await self._presence.pods()
        self._on_records(records)
        alive = {record.pod for record in records if record.document is not None}
        before, self._alive = self._alive, alive
        if before is not None:
            self._announce(before, alive)
            if before - alive:  # they may have died between storing and telling: their news are read by everybody
                self._router.recover()
        self._router.take_over(await self._dead(records))
        await self._tidy(records)

    async def _dead(self, records: list[PodRecord]) -> set[str]:
        """The pods that are gone, and names of holders of locks here that never were a pod's."""
        strangers = self._router.hub.owners - {record.pod for record in records} - {""}
        dead = {record.pod for record in records if record.document is None}
        return dead | {pod for pod in strangers if not await self._presence.alive(pod)}

    def _announce(self, before: set[str], alive: set[str]) -> None:
        for pod in sorted(alive - before):
            self._on_pods("pod.joined", pod)
        for pod in sorted(before - alive):
            self._on_pods("pod.left", pod)

    async def _tidy(self, records: list[PodRecord]) -> None:
        await self._presence.forget_the_gone(records)
