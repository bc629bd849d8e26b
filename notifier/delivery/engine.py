"""Leases of an instance: one lane per channel leases as many deliveries as it can send at once, and renews them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from notifier.delivery.addresses import INBOX
from notifier.delivery.attempt import Attempts
from notifier.delivery.outcomes import Deferred
from notifier.delivery.shares import Shares
from notifier.domain.status import Status
from notifier.errors import NotifierError
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Change, Lease, Leased, LeaseName, LeaseTerms

AWAY = 0.5  # seconds between tries while the store is away
MOST = 100  # deliveries of one lease: the store works on the next ones while these are tried, and holds nobody up

log = logging.getLogger("notifier.delivery")


class Engine:
    """Leases deliveries and has them tried. Each instance with the role `delivery` runs one."""

    def __init__(
        self,
        deliveries: Deliveries,
        attempts: Attempts,
        owner: str,
        slots: Mapping[str, int],
        on_changes: Callable[[Sequence[Change]], None],
        on_limited: Callable[[str, int], None],
        *,
        shares: Shares,
        terms: LeaseTerms,
        max_leased: int,
        lease: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_changes` gets new statuses, `on_limited` a channel and how many of it a user's limit put aside. `slots`
        is the concurrent sends of each channel, `max_leased` how many may be leased and not finished in all, `lease`
        the seconds after which another instance takes one over."""
        self._deliveries = deliveries
        self._attempts = attempts
        self._owner = owner
        self._on_changes = on_changes
        self._on_limited = on_limited
        self._max_leased = max_leased
        self._lease = lease
        self._monotonic = monotonic
        self._lanes = {channel: Lane(channel, number) for channel, number in slots.items()}
        # The ends of unfinished leases. A slow try may meet the next one of the same delivery here.
        self._leases: dict[LeaseName, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._room = asyncio.Event()
        self._shares = shares
        shares.on_room = self._room.set
        self._stopping = False
        self._terms = terms

    def reconfigure(self, terms: LeaseTerms) -> None:
        """Replaces the limits, for the next lease."""
        self._terms = terms

    @property
    def slots(self) -> int:
        """Concurrent sends of all channels together."""
        return sum(lane.slots for lane in self._lanes.values())

    def slots_of(self, channel: str) -> int:
        """Concurrent sends of one channel."""
        return self._lanes[channel].slots

    @property
    def leased(self) -> int:
        """Deliveries that are leased and not finished."""
        return len(self._leases)

    def start(self) -> None:
        """Starts the lanes; returns at once."""
        self._tasks = [
            asyncio.create_task(self._run(lane), name=f"deliveries {lane.channel}") for lane in self._lanes.values()
        ]
        self._tasks.append(asyncio.create_task(self._renew(), name="leases"))

    async def stop(self, timeout: float) -> None:
        """Leases no more, and waits for what is under way; `timeout` in seconds."""
        deadline = self._monotonic() + timeout
        self._stopping = True
        for lane in self._lanes.values():
            lane.news.set()
        self._room.set()
        await _end(self._tasks[:-1], timeout)  # what a lane has just asked for is leased to it, and is to be sent too
        running = [task for lane in self._lanes.values() for task in lane.running]
        await _end(
            running, deadline - self._monotonic()
        )  # leases of the late run out, and another instance takes them over
        await _end(self._tasks[-1:], 0.0)  # the leases of slow sends are renewed until here
        await self._attempts.stop()

    def poke(self, channels: Iterable[str]) -> None:
        """Wakes the lanes of channels whose queues have news."""
        for channel in channels:
            if lane := self._lanes.get(channel):
                lane.news.set()

    # -- leasing

    async def _run(self, lane: Lane) -> None:
        while not self._stopping:
            try:
                wait = await self._lease_for(lane)
            except NotifierError as error:
                log.debug("lease.delayed", extra={"channel": lane.channel, "error": error.message})
                wait = AWAY
            if not self._stopping:
                await lane.pause(wait)

    async def _lease_for(self, lane: Lane) -> float | None:
        """Leases for the slots that are free; the seconds until it is worth asking again, None: when there is news."""
        count = min(self._free(lane), self._max_leased - len(self._leases), MOST)
        if count <= 0:
            if not self._stopping:
                self._room.clear()
                await self._room.wait()
            return 0.0
        lane.news.clear()
        asked = self._monotonic()
        untried, lane.untried = lane.untried, 0
        lease = await self._deliveries.lease(lane.channel, count, self._owner, self._terms_of(lane.channel), untried)
        self._tell(lane.channel, lease)
        for one in lease.leased:
            self._leases[_held(one)] = asked + self._lease
            task = asyncio.create_task(self._deliver(lane, one), name="delivery")
            lane.running.add(task)
            task.add_done_callback(partial(self._ended, lane))
        return lease.wait

    def _terms_of(self, channel: str) -> LeaseTerms:
        return self._terms._replace(per_second=0, per_user=0) if channel == INBOX else self._terms

    def _tell(self, channel: str, lease: Lease) -> None:
        changes = [Change(one.id, Status.PROCESSING, channel, one.priority) for one in lease.leased]
        self._on_changes([*changes, *lease.aside])
        limited = sum(change.status is not Status.EXPIRED for change in lease.aside)
        if limited:
            self._on_limited(channel, limited)

    def _free(self, lane: Lane) -> int:
        """Sends that the channel has room for; a delivery that waits for its recipient's turn takes none."""
        return lane.slots - len(lane.running) + self._shares.of(lane.channel).parked

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        lane.running.discard(task)
        self._room.set()

    # -- one delivery

    async def _deliver(self, lane: Lane, leased: Leased) -> None:
        try:
            if self._monotonic() >= self._leases[_held(leased)]:  # this process stood still; it is another's by now
                return
            ended = await self._attempts.make(leased)
            lane.untried += isinstance(ended.outcome, Deferred)
            if ended.status is not None:
                self._on_changes([Change(leased.id, ended.status, lane.channel, leased.priority)])
        except NotifierError as error:  # the store went before anything was sent; the lease runs out
            log.warning("delivery.delayed", extra={"delivery_id": leased.id, "error": error.message})
        finally:
            del self._leases[_held(leased)]

    async def _renew(self) -> None:
        """Renews the leases of slow sends, every third of their length, for as long as this process is awake."""
        pause = self._lease / 3
        while True:
            await asyncio.sleep(pause)
            pause, now = self._lease / 3, self._monotonic()
            held = [one for one, until in self._leases.items() if until > now]
            try:
                if held:
                    await self._deliveries.renew(self._owner, held)
            except NotifierError as error:
                log.debug("leases.not_renewed", extra={"error": error.message})
                pause = AWAY
                continue
            for one in held:
                if one in self._leases:
                    self._leases[one] = now + self._lease


async def _end(tasks: Sequence[asyncio.Task[None]], timeout: float) -> None:
    """Waits for tasks for at most `timeout` seconds, and cancels those that have not ended by then."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=max(0.0, timeout))
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _held(leased: Leased) -> LeaseName:
    return LeaseName(leased.id, leased.lease)


class Lane:
    """One channel on this instance."""

    def __init__(self, channel: str, slots: int) -> None:
        self.channel = channel
        self.slots = slots
        self.running: set[asyncio.Task[None]] = set()
        self.news = asyncio.Event()
        self.untried = 0  # leased and put back without a send since the last lease

    async def pause(self, wait: float | None) -> None:
        """Waits for news, for at most `wait` seconds (None: as long as it takes)."""
        if wait is not None and wait <= 0:
            return
        try:
            async with asyncio.timeout(wait):
                await self.news.wait()
        except TimeoutError:
            return
