"""State of the store, seen by this instance: away, refusing writes, likely to lose them, or holding other data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from notifier.store.embedded.kept import OwnRedis
from notifier.store.redis.client import Redis
from notifier.store.redis.watch import StoreWatch

TELL_REPLACED = 300.0  # seconds for which health says that the store's data were replaced
REPLACED = "holds other data than before (flushed, replaced or restored): connected clients were told to sync again"


class StoreState:
    """Gathers what the client, the watch and the embedded server know of the store."""

    def __init__(
        self,
        redis: Redis,
        watch: StoreWatch,
        embedded: OwnRedis | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._watch = watch
        self._embedded = embedded
        self._clock = clock
        self.replacements = 0
        self._replaced_at = float("-inf")

    @property
    def up(self) -> bool:
        """False while the store cannot be reached."""
        return self._redis.up

    def note_replaced(self) -> None:
        """Counts that the store holds other data than before; health reports it for five minutes."""
        self.replacements += 1
        self._replaced_at = self._clock()

    @property
    def refusal(self) -> str | None:
        """The reason why writes are refused, or fail; None while they are taken."""
        own = self._embedded.trouble if self._embedded is not None else None
        return own or self._redis.refusal

    @property
    def disk_full(self) -> bool:
        """True while the embedded Redis refuses writes for want of room on its disk."""
        return self._embedded is not None and self._embedded.disk_full

    @property
    def disk_low(self) -> bool:
        """True while the embedded Redis lives on its reserve, or nearly."""
        return self._embedded is not None and self._embedded.disk_low

    def unsafe(self) -> list[str]:
        """Reasons why the store may lose what it was given, one sentence each."""
        replaced = REPLACED if self._clock() - self._replaced_at < TELL_REPLACED else None
        return [reason for reason in (replaced, *self._watch.reasons) if reason]

    def trouble(self) -> list[str]:
        """Everything that is wrong with a store that can be reached, one sentence each."""
        refusal = self.refusal
        return [*([refusal] if refusal else ()), *self.unsafe()]

    def report(self) -> dict[str, Any]:
        """The fields of `RedisHealth`."""
        embedded, trouble = self._embedded, self.trouble()
        status = "unavailable" if not self.up else "degraded" if trouble else "ok"
        found: dict[str, Any] = {"status": status, "mode": "external"}
        if status == "degraded":
            refused = self._redis.refusal is not None or (embedded is not None and embedded.trouble is not None)
            found |= {"error": "; ".join(trouble), "writes": "refused" if refused else "accepted"}
        if embedded is not None:
            found |= {"mode": "embedded", "restarts": embedded.restarts}
        return found
