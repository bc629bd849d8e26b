"""Circuit breakers, one per provider and one per host of recipients, shared by all pods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from notifier.store.delivery_records import digest
from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply

PROBE_TIMEOUT = 60.0  # seconds after which a probe that never said what came of it is given up
DAY = 86400.0
HOST_LIFE = 600.0  # seconds after its last failure that a host's circuit is kept
HOSTS_MOST = 1_000  # hosts with a circuit; those that failed longest ago make room


class Circuit(NamedTuple):
    """The circuit of a provider or a host: failures in a row, and the Unix ms of Redis' clock at which an open
    circuit lets a probe through (0: closed).

    `only` is the digest of a recipient while all failures were about that one: the circuit is open for it alone, and
    `others` counts the failures in a row of everyone else.
    """

    failures: int = 0
    open_until: int = 0
    only: str = ""
    others: int = 0

    def state(self, now: float) -> str:
        """`closed`, `open` or `half_open`; `now` is Unix seconds of Redis' clock."""
        if not self.open_until:
            return "closed"
        return "open" if self.open_until > now * 1000 else "half_open"

    def holds(self, recipient: str) -> bool:
        """True where it is open, or half open, for a recipient (a digest; empty: for anyone)."""
        return bool(self.open_until) and (not self.only or recipient in ("", self.only))


CLOSED = Circuit()


class Circuits:
    """The circuits of one store, by their names. Raises `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._slot = redis.keys.delivery("")
        self._script = {name: redis.script(f"delivery/{name}") for name in ("fault", "well", "probe", "circuits")}

    async def read(self, names: Sequence[str]) -> dict[str, Circuit]:
        """Those of the circuits named, and of all hosts', that have failed."""
        return _seen(await self._redis.run(self._script["circuits"], self._slot, *names))

    async def note_failure(
        self, name: str, recipient: str, most: int, reset: float, is_host: bool
    ) -> dict[str, Circuit]:
        """Counts a failure about a recipient; `most` in a row open the circuit for `reset` seconds."""
        life = max(HOST_LIFE if is_host else DAY, 2 * reset)
        terms = (most, round(reset * 1000), digest(recipient), round(life * 1000), HOSTS_MOST if is_host else 0)
        return _seen(await self._redis.run(self._script["fault"], self._slot, name, *terms))

    async def note_success(self, name: str, recipient: str) -> dict[str, Circuit]:
        """Closes the circuit and forgets its failures, unless it is open for another recipient alone."""
        return _seen(await self._redis.run(self._script["well"], self._slot, name, digest(recipient)))

    async def may_probe(self, name: str) -> bool:
        """True where the circuit is closed, or open and this caller has its one trial."""
        return bool(await self._redis.run(self._script["probe"], self._slot, name, round(PROBE_TIMEOUT * 1000)))

    async def release(self, name: str) -> None:
        """Gives back the one try, which said nothing: the next one is made at once."""
        await self._redis.call("HDEL", self._keys.delivery(f"circuit:{name}"), "probe")


def _seen(reply: Reply) -> dict[str, Circuit]:
    return {
        reply[i].decode(): Circuit(reply[i + 1], reply[i + 2], reply[i + 3].decode(), reply[i + 4])
        for i in range(0, len(reply), 5)
    }
