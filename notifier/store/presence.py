"""Instances of the cluster: a permanent heartbeat, and a presence key that a living instance renews."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import hiredis

from notifier.errors import ErrorCode, NotifierError
from notifier.store.epoch import Epoch
from notifier.store.redis.client import Call, Redis, as_error
from notifier.store.redis.link import WritesRefused
from notifier.store.redis.spoilt import integer

BUS_TTL = 60.0
_is_pod = re.compile(rb"[A-Za-z0-9._-]{1,100}").fullmatch
FORGET_AFTER = 24 * 3600.0  # a pod silent for so long goes from the list of heartbeats


class PodRecord(NamedTuple):
    """A pod that has beaten: seconds since its heartbeat, and what it says of itself (None: it is not alive)."""

    pod: str
    heartbeat_age: float
    document: bytes | None
    bus_length: int


class Presence:
    """The pods of one store."""

    def __init__(self, redis: Redis, ttl: float) -> None:
        """`ttl` in seconds: a pod that has not renewed its presence for so long is dead."""
        self._redis = redis
        self._keys = redis.keys
        self.ttl = ttl
        self.epoch: Epoch | None = None
        self._renewed = False

    async def enrol(self, call: Call | None = None) -> int:
        """The fencing number of a pod that connects: greater than every one before it, its own too. What it has sent
        over a connection that broke and is carried out late hands out nothing: the number is known to be old.

        `call` sends the command where the store is not connected yet. 0, the least of all, while the store refuses
        writes: what needs none goes on, and the number is asked for again."""
        ask = call or self._redis.call
        try:
            return int(await ask("INCR", self._keys.fence))
        except (hiredis.ReplyError, NotifierError) as error:
            said = as_error(error)
            if isinstance(said, WritesRefused):
                return 0  # `try_writes` says so, at every heartbeat
            if said.code is ErrorCode.UNAVAILABLE:
                raise
        return await self._enrol_anew(ask)

    async def _enrol_anew(self, ask: Call) -> int:
        """Overwrites another program's value with the time in ms, which is greater than any number that was counted."""
        self._redis.spoilt.note("fence", self._keys.fence, "no number")
        fence = round(self._redis.clock.now() * 1000)
        await ask("SET", self._keys.fence, fence)
        return fence

    async def try_writes(self) -> None:
        """Looks whether the store takes writes, and at its clock; the client remembers.

        Raises `NotifierError(unavailable)`."""
        await self._redis.try_writes()
        await self._redis.measure_clock()

    async def renew(self, pod: str, document: bytes) -> bool:
        """Says that the pod is alive, and what it has to say of itself; whether it never ceased to be, and its bus is
        still there: a pod that was paused for too long has been taken for dead. Raises `NotifierError(unavailable)`."""
        key = self._keys.pod(pod)
        alive, said, bus, number = await self._redis.call_many(
            [
                ("EXISTS", key),
                ("SET", key, document, "PX", round(self.ttl * 1000)),
                ("PEXPIRE", self._keys.bus(pod), round(BUS_TTL * 1000)),
                ("GET", self._keys.epoch),
            ]
        )
        if isinstance(said, hiredis.ReplyError):  # a store that is full answers, and takes nothing
            raise as_error(said)
        if self.epoch is not None and not self.epoch.agrees(number):
            await self.epoch.read(self._redis.call)
        lapsed, self._renewed = self._renewed and not alive, True
        return bus == 1 and not lapsed

    async def beat(self, pod: str) -> None:
        """The heartbeat of the contract: the pod's name with the time."""
        await self._redis.call("HSET", self._keys.heartbeats, pod, int(self._redis.clock.now()))

    async def leave(self, pod: str) -> None:
        """The pod goes for good."""
        await self._redis.call_many(
            [("DEL", self._keys.pod(pod)), ("DEL", self._keys.bus(pod)), ("HDEL", self._keys.heartbeats, pod)]
        )

    async def forget(self, pod: str) -> None:
        """Takes an instance that is gone from the list of heartbeats."""
        await self._redis.call("HDEL", self._keys.heartbeats, pod)

    async def pods(self) -> list[PodRecord]:
        """All pods that have beaten, alive or not, by name."""
        beats = await self._redis.call("HGETALL", self._keys.heartbeats)
        ages = await self._ages(beats, self._redis.clock.now())
        names = sorted(ages)
        documents = await self._redis.call_many([("GET", self._keys.pod(name)) for name in names])
        lengths = await self._redis.call_many([("XLEN", self._keys.bus(name)) for name in names])
        rows = zip(names, documents, lengths, strict=True)
        return [PodRecord(name, ages[name], document, integer(length)) for name, document, length in rows]

    async def _ages(self, flat: list[bytes], now: float) -> dict[str, float]:
        """Seconds since each instance's heartbeat. Fields that are no instance with a time are removed."""
        beats = {flat[i]: integer(flat[i + 1], -1) for i in range(0, len(flat), 2)}
        bad = [name for name, beat in beats.items() if beat < 0 or not _is_pod(name)]
        if bad:
            self._redis.spoilt.note("heartbeat", self._keys.heartbeats, "no pods with a time")
            await self._redis.call("HDEL", self._keys.heartbeats, *bad)
        return {name.decode(): max(0.0, now - beat) for name, beat in beats.items() if name not in bad}

    async def alive(self, pod: str) -> bool:
        """True while the instance's presence key exists."""
        return bool(await self._redis.call("EXISTS", self._keys.pod(pod)))

    async def forget_the_gone(self, records: list[PodRecord]) -> None:
        """Drops pods that have been silent for a day from the list of heartbeats."""
        gone = [r.pod for r in records if r.document is None and r.heartbeat_age > FORGET_AFTER]
        if gone:
            await self._redis.call("HDEL", self._keys.heartbeats, *gone)

    async def add_totals(self, counts: Mapping[str, int]) -> None:
        """Adds this pod's new counts to the cluster's."""
        await self._redis.call_many([("HINCRBY", self._keys.totals, n, c) for n, c in counts.items() if c])

    async def totals(self) -> dict[str, int]:
        """The cluster's counts since its first start."""
        flat = await self._redis.call("HGETALL", self._keys.totals)
        return {flat[i].decode("utf-8", "replace"): integer(flat[i + 1]) for i in range(0, len(flat), 2)}
