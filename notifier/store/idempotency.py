"""Idempotency records of requests that no single script can store: batches, and notifications on Redis Cluster.

A request begins, stores, and finishes. The seed that the first try leaves behind determines the ids, so that a repeat
after a crash stores nothing twice. What one script can store has its record written by it (`Inbox.accept`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from notifier.errors import ErrorCode, NotifierError
from notifier.store.redis.client import RETRY_FOR, Redis
from notifier.store.redis.link import unavailable

# How long a try that could not end, by a crash or a failover, may hold up its repeat (contract §3 allows 30 s). A try
# takes at most 3 s, and one that goes on beside its repeat has the same ids, which are stored once.
LEASE_MS = 5_000
GIVING_UP = 60.0  # seconds for which a store that is away is still told that a try came to nothing
MOST_GIVEN_UP = 1000  # of whose end the store has yet to hear; the lease of those beyond runs out
PAUSE = 0.05  # seconds between two tries to tell it

log = logging.getLogger("notifier.store")


class Begun(NamedTuple):
    """The outcome of `begin`: `go` with the seed, `replay` with the first answer, `running` or `mismatch`."""

    outcome: str
    value: bytes


class Idempotency:
    """The records of one store. Every method may raise `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._begin = redis.script("idempotency/begin")
        self._finish = redis.script("idempotency/finish")
        self._give_up = redis.script("idempotency/give_up")
        self._ending: dict[str, asyncio.Task[None]] = {}

    def record(self, caller: str, digest: str) -> str:
        """The Redis key of a caller's record."""
        return self._redis.keys.idempotency(caller, digest)

    async def begin(self, key: str, fingerprint: bytes, seed: str, ttl_ms: int) -> Begun:
        """Begins a try of a request; `seed` tells it from others, and its ids derive from it when it is the first.

        After `go`, `finish` or `give_up` must follow.
        """
        await self._until_ended(key)
        try:
            reply = await self._redis.run_again(self._begin, key, key, fingerprint, seed, LEASE_MS, ttl_ms)
        except BaseException:  # a server that stands still may yet begin it, once it goes on
            self.give_up(key, seed)
            raise
        value = reply[1] if len(reply) > 1 else b""
        return Begun(reply[0].decode(), value if isinstance(value, bytes) else str(value).encode())

    async def has_answer(self, key: str) -> bool:
        """True where a request was answered under this key, whoever wrote the record."""
        return bool(await self._redis.call("HEXISTS", key, "answer"))

    async def finish(self, key: str, answer: bytes, ttl_ms: int) -> None:
        """Records the answer of a try and closes it."""
        await self._redis.run_again(self._finish, key, key, answer, ttl_ms)

    def give_up(self, key: str, seed: str) -> None:
        """Removes the lease of a failed try, so that its repeat may begin at once. Returns immediately;
        a store that is away hears it when it is back."""
        before = self._ending.get(key)
        if before is None and len(self._ending) >= MOST_GIVEN_UP:
            return
        task = asyncio.create_task(self._tell(key, seed, before), name="idempotency")
        self._ending[key] = task
        task.add_done_callback(lambda ended: self._forget(key, ended))

    async def stop(self) -> None:
        """Cancels pending removals: leases that are left hold up repeats until they run out."""
        tasks = list(self._ending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, key: str, seed: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GIVING_UP
        while loop.time() < deadline:
            try:
                await self._redis.run_again(self._give_up, key, key, seed)
                return
            except NotifierError as error:
                if error.code is not ErrorCode.UNAVAILABLE:
                    log.error("idempotency.not_ended", exc_info=error.__cause__ or error, extra={"record": key})
                    return
            await asyncio.sleep(PAUSE)
        away = f"the store was away for {GIVING_UP:g} s"
        log.warning("idempotency.not_ended", extra={"record": key, "error": away})

    def _forget(self, key: str, ended: asyncio.Task[None]) -> None:
        if self._ending.get(key) is ended:
            del self._ending[key]

    async def _until_ended(self, key: str) -> None:
        ending = self._ending.get(key)
        if ending is not None:
            await asyncio.wait({ending}, timeout=RETRY_FOR)
            if not ending.done():
                raise unavailable("it has not heard of the end of the last try")
