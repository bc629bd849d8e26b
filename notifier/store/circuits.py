"""Circuit breakers, one per provider, shared by all pods."""

from __future__ import annotations

from typing import NamedTuple

from notifier.store.client import Redis

PROBE_TIMEOUT = 60.0  # seconds after which a probe that never said what came of it is given up


class Circuit(NamedTuple):
    """How a provider stands: failures in a row, and the Unix ms at which an open circuit lets a probe through (0:
    closed)."""

    failures: int = 0
    open_until: int = 0

    def state(self, now: float) -> str:
        """`closed`, `open` or `half_open`; `now` is Unix seconds."""
        if not self.open_until:
            return "closed"
        return "open" if self.open_until > now * 1000 else "half_open"


CLOSED = Circuit()


class Circuits:
    """The circuits of one store. Raises `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._slot = redis.keys.delivery("")
        self._fault = redis.script("delivery/fault")
        self._probe = redis.script("delivery/probe")

    async def read(self, providers: list[str]) -> list[Circuit]:
        """How these providers stand."""
        rows = await self._redis.call_many(
            [("HMGET", self._keys.delivery(f"circuit:{name}"), "failures", "open_until") for name in providers]
        )
        return [Circuit(int(failures or 0), int(until or 0)) for failures, until in rows]

    async def note_failure(self, provider: str, most: int, reset: float) -> Circuit:
        """Counts a failure; `most` in a row open the circuit for `reset` seconds."""
        reply = await self._redis.run(self._fault, self._slot, provider, most, round(reset * 1000))
        return Circuit(reply[1], reply[2])

    async def note_success(self, provider: str) -> None:
        """Closes the circuit and forgets its failures."""
        await self._redis.call("DEL", self._keys.delivery(f"circuit:{provider}"))

    async def may_probe(self, provider: str) -> bool:
        """Whether the caller is the one whose try an open circuit lets through, or the circuit is closed."""
        return bool(await self._redis.run(self._probe, self._slot, provider, round(PROBE_TIMEOUT * 1000)))
