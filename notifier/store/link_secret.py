"""The secret by which links that act are signed: made once, by whichever instance first needs it, and kept."""

from __future__ import annotations

import secrets

from notifier.store.redis.client import Redis

SIZE = 32


class LinkSecret:
    """That of one store."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self) -> bytes:
        """The secret; raises `NotifierError(unavailable)`."""
        key = self._redis.keys.signing
        known: bytes | None = await self._redis.call("GET", key)
        if known is not None and len(known) == SIZE:
            return known
        # A damaged one is no secret; of two instances that make one at a time, the first one's is taken.
        only_new = () if known is not None else ("NX",)
        await self._redis.call("SET", key, secrets.token_bytes(SIZE), *only_new)
        made: bytes = await self._redis.call("GET", key)
        return made
