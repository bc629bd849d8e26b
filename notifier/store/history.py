"""Figures of each minute, kept for a day: one hash per hour, a field for each minute and instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from notifier.store.redis.client import Redis
from notifier.store.redis.spoilt import integer

HOUR = 60  # minutes
LIFE = 25 * 3600.0


class Kept(NamedTuple):
    """The figures that an instance wrote of one minute, counted from 1970."""

    minute: int
    pod: str
    data: bytes


class History:
    """The minutes of all instances. Raises `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis, pod: str) -> None:
        self._redis = redis
        self._pod = pod

    async def write(self, minute: int, data: bytes) -> None:
        """Writes this instance's figures of a minute, in place of what it wrote of it before."""
        key = self._redis.keys.history(minute // HOUR)
        await self._redis.call_many(
            [("HSET", key, f"{minute} {self._pod}", data), ("PEXPIRE", key, round(LIFE * 1000))]
        )

    async def read(self, first: int, last: int) -> Sequence[Kept]:
        """The figures that all instances wrote of the minutes from `first` to `last`."""
        keys = [self._redis.keys.history(hour) for hour in range(first // HOUR, last // HOUR + 1)]
        found = []
        for flat in await self._redis.call_many([("HGETALL", key) for key in keys]):
            for name, data in zip(flat[::2], flat[1::2], strict=True) if isinstance(flat, list) else ():
                minute, _, pod = name.decode("utf-8", "replace").partition(" ")
                if first <= (number := integer(minute.encode(), -1)) <= last:
                    found.append(Kept(number, pod, data))
        return found
