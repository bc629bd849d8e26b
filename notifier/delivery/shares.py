"""Shares of a channel's slots, which are its concurrent sends on this instance: however many deliveries one recipient
has, and however long each takes, slots are left for the others.

The rule is that of dynamic thresholds (Choudhury and Hahne, 1998): a recipient takes another slot while it has fewer
than are free, and so half of them at most; a host, which may have many recipients, two thirds. Nothing is learned or
configured, and one that is alone has its half at once.

Measured on two cores: 3,000 deliveries to a host whose circuit is open are leased and put aside once in 1.1 s of CPU;
then some 50 a second come back for another look (3% of a core), and a delivery to another host waits 5-60 ms.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

PATIENCE = 1.0  # seconds that a delivery waits here for its turn, holding no slot, before it is put aside
PARKED = 2  # deliveries that may wait so, for each slot
SPREAD = 30.0  # seconds within which all that was put aside comes back
LEAST_STEP, MOST_STEP = 0.002, 0.2  # seconds between two of them
FIRST_STEP = 0.02  # the same before a try has ended: 400 that came back to a host that hangs kept an instance busy
KEYS_MOST = 1_000  # recipients whose pace is known


class Keys(NamedTuple):
    """The recipient and, where it is called itself, its host (else empty), whose shares a try takes."""

    recipient: str
    host: str


class _Waiter(NamedTuple):
    delivery: str
    keys: Keys
    turn: asyncio.Future[None]


class _Pace(NamedTuple):
    step: float  # seconds between two that come back
    next: float


class Share:
    """The slots of one channel on this instance."""

    def __init__(self, slots: int, on_room: Callable[[], None], monotonic: Callable[[], float]) -> None:
        """`on_room` is called when a delivery begins to wait, and its slot is free."""
        self._slots = slots
        self._on_room = on_room
        self._monotonic = monotonic
        self._held: dict[str, list[str]] = {}  # recipient or host -> deliveries whose tries are under way
        self._tries: dict[str, int] = {}  # delivery -> its tries under way
        self._waiting: list[_Waiter] = []
        self._paces: dict[str, _Pace] = {}

    @property
    def parked(self) -> int:
        """Deliveries that wait for their turn and hold no slot."""
        return len({one.delivery for one in self._waiting} - self._tries.keys()) if self._waiting else 0

    async def enter(self, delivery: str, keys: Keys) -> bool:
        """Takes part of a slot for a try of a delivery; False where its turn does not come within a second, or too many
        wait for theirs. Two tries of one delivery, whose lease ran out meanwhile, count once."""
        waits = any(one.keys.recipient == keys.recipient for one in self._waiting)
        if not waits and self._may(delivery, keys):
            self._take(delivery, keys)
            return True
        if self.parked >= PARKED * self._slots:
            return False
        return await self._wait(_Waiter(delivery, keys, asyncio.get_running_loop().create_future()))

    def leave(self, delivery: str, keys: Keys, seconds: float) -> None:
        """Gives it back; the try took `seconds`."""
        left = self._tries.pop(delivery) - 1
        if left:
            self._tries[delivery] = left
        for key in filter(None, keys):
            self._held[key].remove(delivery)
            if not self._held[key]:
                del self._held[key]
        self._learn(keys.recipient, 2 * seconds / self._slots)
        self._wake()

    def later(self, key: str, least: float) -> float:
        """Seconds, at least so many, until one that is put aside is worth another look: those of one key come back one
        after the other, as fast as they were served, and not all at once."""
        now = self._monotonic()
        pace = self._paces.get(key, _Pace(FIRST_STEP, 0.0))
        at = min(max(now + least, pace.next), now + least + SPREAD)
        self._keep(key, pace._replace(next=at + pace.step))
        return at - now

    async def _wait(self, waiter: _Waiter) -> bool:
        self._waiting.append(waiter)
        self._on_room()
        try:
            await asyncio.wait((waiter.turn,), timeout=PATIENCE)
        except asyncio.CancelledError:
            if waiter.turn.done():
                self.leave(waiter.delivery, waiter.keys, 0.0)
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        return waiter.turn.done()

    def _may(self, delivery: str, keys: Keys) -> bool:
        others = self._tries.keys() - {delivery}
        free = self._slots - len(others)
        if free <= 0:
            return False
        return self._has(keys.recipient, delivery) < free and self._has(keys.host, delivery) < 2 * free

    def _has(self, key: str, delivery: str) -> int:
        return len({*self._held.get(key, ())} - {delivery})

    def _take(self, delivery: str, keys: Keys) -> None:
        self._tries[delivery] = self._tries.get(delivery, 0) + 1
        for key in filter(None, keys):
            self._held.setdefault(key, []).append(delivery)

    def _wake(self) -> None:
        held_up: set[str] = set()
        for one in [*self._waiting]:
            if one.keys.recipient in held_up or not self._may(one.delivery, one.keys):
                held_up.add(one.keys.recipient)  # in the order of their coming
                continue
            self._waiting.remove(one)
            self._take(one.delivery, one.keys)
            one.turn.set_result(None)

    def _learn(self, key: str, step: float) -> None:
        if key in self._paces:  # others have never been put aside
            self._keep(key, self._paces[key]._replace(step=min(MOST_STEP, max(LEAST_STEP, step))))

    def _keep(self, key: str, pace: _Pace) -> None:
        self._paces.pop(key, None)
        self._paces[key] = pace
        while len(self._paces) > KEYS_MOST:
            del self._paces[next(iter(self._paces))]


class Shares:
    """The shares of all channels of an instance."""

    def __init__(self, slots: Mapping[str, int], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`slots` is the concurrent sends of each channel; `on_room` is set by the engine, which leases for
        them."""
        self.on_room: Callable[[], None] = lambda: None
        self._of = {channel: Share(number, self._tell, monotonic) for channel, number in slots.items()}

    def _tell(self) -> None:
        self.on_room()

    def of(self, channel: str) -> Share:
        """The share of a channel's slots."""
        return self._of[channel]
