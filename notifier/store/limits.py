"""Rate limits in Redis: counted over all pods."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply


class Taken(NamedTuple):
    """The outcome of `take`: users who have none left, with the seconds until they have; else (nobody is over)
    how many places are left for who has least, and the seconds until all are free again."""

    over: dict[str, float]
    left: int
    free_in: float


class Limits:
    """The limits of one store. Raises `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._script = redis.script("limits/take")

    async def take(self, name: str, rate: tuple[int, float], users: Sequence[str]) -> Taken:
        """Takes a place for each user, or none for anybody; `rate` is a number and the seconds in which it may come.

        In a cluster, where users are in several slots, all are looked at before any place is taken: of requests that
        come at the same time one may be refused after it has taken places of others. A connection lost at the wrong
        moment may take a place twice.
        """
        groups = self._keys.by_shard(users, str)
        if len(groups) == 1:
            return await self._run(name, rate, users, True)
        looked = _together(await asyncio.gather(*(self._run(name, rate, group, False) for group in groups)))
        if looked.over:
            return looked
        return _together(await asyncio.gather(*(self._run(name, rate, group, True) for group in groups)))

    async def _run(self, name: str, rate: tuple[int, float], users: Sequence[str], take: bool) -> Taken:
        limit, window = rate
        args = (name, limit, round(window * 1_000_000), int(take), *users)
        return _taken(await self._redis.run_again(self._script, self._keys.limit(name, users[0]), *args))


def _taken(reply: Reply) -> Taken:
    if reply[0] == 0:
        return Taken({}, reply[1], reply[2] / 1_000_000)
    return Taken({reply[i].decode(): reply[i + 1] / 1_000_000 for i in range(1, len(reply), 2)}, 0, 0.0)


def _together(parts: Sequence[Taken]) -> Taken:
    over = {user: wait for part in parts for user, wait in part.over.items()}
    return Taken(over, min(part.left for part in parts), max(part.free_in for part in parts))
