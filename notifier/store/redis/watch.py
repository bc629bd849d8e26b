"""Checks of a Redis server's durability: eviction policy, persistence, and evicted keys (INFO).

One judgement for `/health`, the log and `notifier doctor`. INFO is enough: hosted servers forbid CONFIG.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from notifier.errors import ErrorCode, NotifierError
from notifier.store.redis.client import Redis

log = logging.getLogger("notifier.store")


def parse_info(reply: bytes) -> dict[str, str]:
    """The fields of INFO."""
    lines = (line.partition(":") for line in reply.decode(errors="replace").splitlines())
    return {name: value for name, separator, value in lines if separator}


def find_eviction(policy: str, limit: int) -> str | None:
    """The fault of a `maxmemory-policy`; `limit` in bytes, 0 is none, with which nothing is evicted."""
    if policy in ("noeviction", "") or limit == 0:
        return None
    return f"maxmemory-policy {policy}: stored notifications are dropped when memory is full; set noeviction"


def find_forgetting(info: Mapping[str, str]) -> str | None:
    """The reason why what was answered 202 is lost with the server; None also where INFO does not say."""
    if info.get("aof_enabled", "1") != "1":
        return "appendonly no: a restart of Redis loses accepted notifications; set appendonly yes"
    if info.get("aof_last_write_status", "ok") != "ok":
        return "the last write to the append-only file failed; look at Redis' log and its disk"
    return None


def judge(info: Mapping[str, str], evicted_before: int | None = None) -> list[str]:
    """All that is wrong with a server by its INFO; `evicted_before` is what `evicted_keys` was at the last look."""
    limit, evicted = int(info.get("maxmemory", "0")), int(info.get("evicted_keys", "0"))
    reasons = [find_eviction(info.get("maxmemory_policy", ""), limit), find_forgetting(info)]
    if evicted_before is not None and evicted > evicted_before:
        reasons.insert(0, f"{evicted - evicted_before} keys were evicted: stored notifications are lost")
    return [reason for reason in reasons if reason]


class StoreWatch:
    """Looks at every server that takes writes, and remembers what is wrong in `reasons`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._evicted: dict[str, int] = {}
        self.reasons: list[str] = []

    async def look(self) -> None:
        """Asks each server; logs what has changed. Raises `NotifierError(unavailable)`."""
        servers = self._redis.servers()
        found = [
            reason if len(servers) == 1 else f"{name}: {reason}"
            for name, server in servers.items()
            for reason in await self._look_at(name, server)
        ]
        self._evicted = {name: count for name, count in self._evicted.items() if name in servers}
        before, self.reasons = self.reasons, found
        if found and found != before:
            log.warning("store.degraded", extra={"reasons": found})
        elif before and not found:
            log.info("store.sound")

    async def _look_at(self, name: str, server: Redis) -> list[str]:
        try:
            info = parse_info(await server.call("INFO"))
        except NotifierError as error:
            if error.code is not ErrorCode.INTERNAL:
                raise
            return [f"it cannot be watched ({error.__cause__}): let this user call INFO (ACL SETUSER … +info)"]
        reasons = judge(info, self._evicted.get(name))
        self._evicted[name] = int(info.get("evicted_keys", "0"))
        return reasons
