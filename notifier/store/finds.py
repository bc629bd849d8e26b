"""Looks up by exact names what stands under keys and indexes of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from notifier.domain.deliveries import shown_record
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import digest
from notifier.store.redis.client import Redis
from notifier.store.redis.spoilt import integer


class ById(NamedTuple):
    """A delivery as the API shows it, the number of deliveries of a batch, and the payload of a notification."""

    delivery: dict[str, Any] | None
    batch: int
    payload: bytes | None


class Last(NamedTuple):
    """The number of deliveries that an index holds, and when (Unix ms) the newest was made."""

    number: int
    created: float


class ByName(NamedTuple):
    """Deliveries to an address, and of a user."""

    recipient: Last | None
    user: Last | None


class Finds:
    """Reads single keys. Raises `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._deliveries = Deliveries(redis)

    async def by_id(self, identity: str) -> ById:
        """The delivery, batch or notification of that id.

        On Redis Cluster a notification's payload is beside its user, whom an id does not name: not found."""
        record = await self._deliveries.get(identity)
        batch = await self._redis.call("ZCARD", self._keys.delivery(f"batch:{identity}:list"))
        payload = None if self._keys.cluster else await self._redis.call("GET", self._keys.payload("", identity))
        return ById(None if record is None else shown_record(record), integer(batch), payload)

    async def by_name(self, text: str) -> ByName:
        """Deliveries to that address, and of that user."""
        return ByName(await self._last(f"recipient:{digest(text)}"), await self._last(f"user:{digest(text)}"))

    async def _last(self, index: str) -> Last | None:
        key = self._keys.delivery(f"index:{index}")
        number, newest = await self._redis.call_many([("ZCARD", key), ("ZREVRANGE", key, 0, 0, "WITHSCORES")])
        return Last(number, float(newest[1])) if number and newest else None
