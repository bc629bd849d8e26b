"""Idempotency records for a cluster, where a record cannot be written together with what its request stores.

On one server `Inbox.accept` writes the record in the same script. Here a request begins, stores, and ends: the seed
that the first try leaves behind determines the ids, so that a repeat after a crash stores nothing twice.
"""

from __future__ import annotations

from typing import NamedTuple

from notifier.store.client import Redis

# How long a try that could not end, by a crash or a failover, may hold up its repeat (contract §3 allows 30 s). A try
# takes at most 3 s, and one that goes on beside its repeat has the same ids, which are stored once.
LEASE_MS = 5_000


class Begun(NamedTuple):
    """What came of beginning: `go` with the seed, `replay` with the first answer, `running` or `mismatch`."""

    outcome: str
    value: bytes


class Idempotency:
    """The records of a cluster."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._begin = redis.script("begin")
        self._finish = redis.script("finish")

    async def begin(self, key: str, fingerprint: bytes, seed: str, ttl_ms: int) -> Begun:
        """Begins a try of a request; `seed` is used when it is the first."""
        reply = await self._redis.run_again(self._begin, key, key, fingerprint, seed, LEASE_MS, ttl_ms)
        value = reply[1] if len(reply) > 1 else b""
        return Begun(reply[0].decode(), value if isinstance(value, bytes) else str(value).encode())

    async def has_answer(self, key: str) -> bool:
        """Whether a request was answered under this key; on one server too."""
        return bool(await self._redis.call("HEXISTS", key, "answer"))

    async def finish(self, key: str, answer: bytes, ttl_ms: int) -> None:
        """Ends a try: with its answer, or, where that is empty, as failed."""
        await self._redis.run_again(self._finish, key, key, answer, ttl_ms)
