"""What operators ask of all inboxes, by the page. Answered from the indexes; no scan of the keys."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from notifier.domain.entries import Entry
from notifier.store.client import Redis
from notifier.store.inbox import entries_of

_BY_KEY = re.compile(r"[0-9]+(-.*)?").fullmatch


class Count(NamedTuple):
    """How many an inbox holds in all and unread."""

    stored: int
    unread: int


class UserFacts(NamedTuple):
    """What is kept of one user beside the entries."""

    holds: Count
    lock_owner: str | None
    retention_days: int | None
    known: bool


class Reports:
    """Pages over users and inboxes. A page's order is that of the bytes of keys or logins."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._unread = redis.script("unread")

    async def users(self, prefix: str, after: str, limit: int) -> tuple[list[str], int, str | None]:
        """User keys that begin with `prefix` (or, when that is no number, whose login does): a page after the cursor
        `after`, how many there are in all, and the next cursor."""
        by_key = not prefix or _BY_KEY(prefix) is not None
        index = self._keys.users if by_key else self._keys.logins
        low = f"({after}" if after else (f"[{prefix}" if prefix else "-")
        high = f"[{prefix}\xff" if prefix else "+"
        members, total = await self._redis.call_many(
            [
                ("ZRANGEBYLEX", index, low, _high(high), "LIMIT", 0, limit + 1),
                ("ZLEXCOUNT", index, f"[{prefix}" if prefix else "-", _high(high)),
            ]
        )
        names = [member.decode() for member in members]
        cursor = names[limit - 1] if len(names) > limit else None
        return [name if by_key else _key_of(name) for name in names[:limit]], total, cursor

    async def counts(self, users: list[str]) -> list[Count]:
        """How much each inbox holds."""
        commands = [c for u in users for c in (("XLEN", self._keys.stream(u)), ("HLEN", self._keys.state(u)))]
        numbers = await self._redis.call_many(commands)
        return [Count(numbers[i], max(0, numbers[i] - numbers[i + 1])) for i in range(0, len(numbers), 2)]

    async def user(self, user: str) -> UserFacts:
        """The facts of one user."""
        keys = self._keys
        owner, days, score = await self._redis.call_many(
            [("GET", keys.lock(user)), ("GET", keys.retention(user)), ("ZSCORE", keys.users, user)]
        )
        holds = (await self.counts([user]))[0]
        return UserFacts(holds, owner.decode() if owner else None, int(days) if days else None, score is not None)

    async def pending_totals(self) -> tuple[int, int, int]:
        """Unread notifications, users who have any, and users known."""
        pending, users_pending, users = await self._redis.call_many(
            [("HGET", self._keys.totals, "pending"), ("ZCARD", self._keys.pending), ("ZCARD", self._keys.users)]
        )
        return max(0, int(pending or 0)), users_pending, users

    async def pending_users(self, after: str, limit: int) -> list[str]:
        """User keys with something unread, after a key."""
        low = f"({after}" if after else "-"
        members = await self._redis.call("ZRANGEBYLEX", self._keys.pending, low, "+", "LIMIT", 0, limit)
        return [member.decode() for member in members]

    async def unread(self, user: str, after: str, limit: int) -> list[Entry]:
        """Unread entries of one inbox after a stream id, oldest first."""
        args: tuple[Any, ...] = (user, after or "-", limit)
        return entries_of(await self._redis.run(self._unread, self._keys.stream(user), *args))

    async def history(self, user: str, limit: int) -> list[Entry]:
        """The newest entries of one inbox, oldest first."""
        page = self._redis.script("page")
        return entries_of(await self._redis.run(page, self._keys.stream(user), user, limit, "", ""))

    async def due(self, before_ms: int, limit: int) -> list[str]:
        """Users some payload of whom has expired before a Unix time in ms."""
        members = await self._redis.call("ZRANGEBYSCORE", self._keys.expiry, "-inf", before_ms, "LIMIT", 0, limit)
        return [member.decode() for member in members]

    async def overfull(self, limit: int) -> list[str]:
        """Users whose inbox holds more than it is to keep, in no order; `Inbox.trim` takes them off the list."""
        return [member.decode() for member in await self._redis.call("SRANDMEMBER", self._keys.overfull, limit)]

    async def retention_changed(self, limit: int) -> list[str]:
        """Users whose retention was set, in no order; `Inbox.retain` takes them off the list."""
        return [member.decode() for member in await self._redis.call("SRANDMEMBER", self._keys.retained, limit)]

    async def begin_sweep(self, name: str, pod: str, seconds: float) -> bool:
        """Whether this pod is the one that does the sweep of this interval."""
        key = self._keys.sweep(name)
        return await self._redis.call("SET", key, pod, "NX", "PX", round(seconds * 1000)) is not None


def _high(bound: str) -> bytes | str:
    # 0xff follows every byte of UTF-8; as text it would be encoded as two bytes that sort among them.
    return bound[:-1].encode() + b"\xff" if bound.endswith("\xff") else bound


def _key_of(by_login: str) -> str:
    login, _, number = by_login.rpartition(" ")
    return f"{number}-{login}"
