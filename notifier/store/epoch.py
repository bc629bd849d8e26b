"""The number that tells one data set from another: one that was flushed, replaced or restored is no longer the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from notifier.store.redis.client import Call, Redis, as_error
from notifier.store.redis.link import WritesRefused


class Epoch:
    """A random number kept in the store, as this pod knows it."""

    def __init__(self, redis: Redis, on_replaced: Callable[[], None]) -> None:
        """`on_replaced` is called when the store no longer holds the number that this pod has seen there."""
        self.key = redis.keys.epoch
        self._on_replaced = on_replaced
        self._known: bytes | None = None

    async def read(self, call: Call) -> None:
        """Looks at the number, and gives a store that has none its own, unless that refuses writes: then the next look
        does. Raises `NotifierError(unavailable)`."""
        number = os.urandom(8).hex()
        refused, found = await asyncio.gather(
            call("SET", self.key, number, "NX"), call("GET", self.key), return_exceptions=True
        )
        for reply in (refused, found):
            if isinstance(reply, BaseException) and not isinstance(as_error(reply), WritesRefused):
                raise as_error(reply)
        if isinstance(found, bytes):
            self._note(found)

    def agrees(self, found: object) -> bool:
        """True while the store still holds the number."""
        return found == self._known

    def _note(self, found: bytes) -> None:
        before, self._known = self._known, found
        if before is not None and before != found:
            self._on_replaced()
