"""Pages over users and inboxes for operators, read from the indexes, without a scan of the keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from notifier.domain.entries import Entry
from notifier.domain.states import Kept, kept
from notifier.domain.users import parse_user_key
from notifier.errors import NotifierError
from notifier.store.payloads import Payloads, ignore
from notifier.store.redis.client import Redis
from notifier.store.redis.spoilt import integer

PAGE = 100  # entries with their payloads that one script reads
KEPT_BY_SCRIPTS = ("snoozed",)  # indexes that plain commands have nothing to add to
SHARDS_AT_A_TIME = 512  # commands of one turn of the loop: all 16,384 would hold it up for 0.1 s

_BY_KEY = re.compile(r"[0-9]+(-.*)?").fullmatch


class Count(NamedTuple):
    """Number of entries of an inbox, and of the unread ones among them."""

    stored: int
    unread: int


class UserFacts(NamedTuple):
    """A user's lock, retention and counts, without the entries."""

    holds: Count
    lock_owner: str | None
    retention_days: int | None
    known: bool


class UserPage(NamedTuple):
    """User keys of one page, the number of users in all, and the cursor of the next page (None: this is the last)."""

    keys: list[str]
    total: int
    cursor: str | None


class Pending(NamedTuple):
    """Unread notifications in all, users who have any, and users known."""

    unread: int
    users_pending: int
    users: int


class Reports:
    """Pages over users and inboxes. A page's order is that of the bytes of keys or logins."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._payloads = Payloads(redis)
        self._unread = redis.script("inbox/unread")
        self.before: Callable[[], None] = lambda: None  # called before an index is read: it may have to catch up

    async def users(self, prefix: str, after: str, limit: int) -> UserPage:
        """User keys that begin with `prefix` (or, when that is no number, whose login does): a page after the cursor
        `after` (a user key), how many there are in all, and the next cursor."""
        by_key = not prefix or _BY_KEY(prefix) is not None
        name = "users" if by_key else "logins"
        low, high = (f"[{prefix}", f"[{prefix}".encode() + b"\xff") if prefix else ("-", "+")
        begin = f"({after if by_key else _by_login(after)}" if after else low
        members = await self._members(name, after, begin, (low, high), limit + 1)
        keys = [member if by_key else _key_of(member) for member in members]
        total = sum(await self._each("ZLEXCOUNT", name, low, high))
        return UserPage(keys[:limit], total, keys[limit - 1] if len(keys) > limit else None)

    async def counts(self, users: list[str]) -> list[Count]:
        """The counts of each inbox."""
        commands = [c for u in users for c in (("XLEN", self._keys.stream(u)), ("HLEN", self._keys.state(u)))]
        numbers = await self._redis.call_many(commands)
        sizes = [number if isinstance(number, int) else 0 for number in numbers]
        return [Count(sizes[i], max(0, sizes[i] - sizes[i + 1])) for i in range(0, len(sizes), 2)]

    async def user(self, user: str) -> UserFacts:
        """The facts of one user."""
        keys = self._keys
        index = keys.index("users", keys.shards[keys.shard_of(user)])
        owner, days, score = await self._redis.call_many(
            [("GET", keys.lock(user)), ("GET", keys.retention(user)), ("ZSCORE", index, user)]
        )
        holds = (await self.counts([user]))[0]
        holder = owner.decode("utf-8", "replace") if owner else None
        return UserFacts(holds, holder, int(days) if days and days.isdigit() else None, score is not None)

    async def pending_totals(self) -> Pending:
        """The counts over all inboxes."""
        pending = await self._each("HGET", "totals", "pending")
        users_pending, users = await self._each("ZCARD", "pending"), await self._each("ZCARD", "users")
        return Pending(max(0, sum(integer(count) for count in pending)), sum(users_pending), sum(users))

    async def pending_users(self, after: str, limit: int) -> list[str]:
        """User keys with something unread, after a key."""
        self.before()
        return await self._members("pending", after, f"({after}" if after else "-", ("-", "+"), limit)

    async def unread(self, user: str, after: str, limit: int) -> list[Entry]:
        """Unread entries of one inbox after a stream id, oldest first."""
        begin, found = f"({after}".encode() if after else b"-", list[Entry]()
        while begin is not None and len(found) < limit:
            args = (user, begin, limit - len(found))
            flat, begin = await self._redis.run(self._unread, self._keys.stream(user), *args)
            found += self._payloads.entries(user, flat)
        return found

    async def history(self, user: str, limit: int) -> list[Kept]:
        """The newest entries of one inbox with all their states, newest first; a hundred with each script."""
        script, found, high = self._redis.script("states/list"), list[Kept](), b"+"
        while high is not None and len(found) < limit:
            args = (user, high, "-", min(PAGE, limit - len(found)), 1)
            _, high, *flat = await self._redis.run(script, self._keys.stream(user), *args)
            rows = [kept(*flat[i : i + 5]) for i in range(0, len(flat), 5)]
            bad = self._payloads.unreadable(user, {row.notification_id: row.payload for row in rows})
            found += [row._replace(payload=None) if row.notification_id in bad else row for row in rows]
        return found

    async def due(self, before_ms: int, limit: int) -> list[str]:
        """Users some payload of whom has expired before a Unix time in ms; about `limit` at the most."""
        return self._names(
            "expiry", 0, await self._each("ZRANGEBYSCORE", "expiry", "-inf", before_ms, "LIMIT", 0, limit)
        )

    async def snoozed_due(self, before_ms: int, limit: int) -> list[tuple[str, str]]:
        """Users and ids of notifications that are to come back before a Unix time in ms; about `limit` at the most."""
        replies = await self._each("ZRANGEBYSCORE", "snoozed", "-inf", before_ms, "LIMIT", 0, limit)
        members = [member.decode("utf-8", "replace").partition("\x1f") for reply in replies for member in reply]
        return [(user, nid) for user, _, nid in members]

    async def snoozed(self) -> int:
        """Notifications that are to come back, or are to come later."""
        return sum(await self._each("ZCARD", "snoozed"))

    async def overfull(self, limit: int) -> list[str]:
        """Users whose inbox holds more than it is to keep, in no order; `Inbox.trim` takes them off the list."""
        return self._names("overfull", 0, await self._each("SRANDMEMBER", "overfull", limit))

    async def retention_changed(self, limit: int) -> list[str]:
        """Users whose retention was set, in no order; `Inbox.retain` takes them off the list."""
        return self._names("retained", 0, await self._each("SRANDMEMBER", "retained", limit))

    async def begin_sweep(self, name: str, pod: str, seconds: float) -> bool:
        """Takes the sweep of this interval; True where no other instance had taken it."""
        key = self._keys.sweep(name)
        return await self._redis.call("SET", key, pod, "NX", "PX", round(seconds * 1000)) is not None

    # An index has one part on one server and one per slot in a cluster: pages walk through the parts in their order.

    async def _each(self, command: str, name: str, *args: Any) -> list[Any]:
        """The reply of every part of an index."""
        if name not in KEPT_BY_SCRIPTS:
            self.before()
        keys, replies = self._keys, list[Any]()
        for start in range(0, len(keys.shards), SHARDS_AT_A_TIME):
            part = keys.shards[start : start + SHARDS_AT_A_TIME]
            replies += await self._redis.call_many([(command, keys.index(name, shard), *args) for shard in part])
        return replies

    async def _members(
        self, name: str, after: str, begin: str, bounds: tuple[str, str | bytes], limit: int
    ) -> list[str]:
        """Up to `limit` members within `bounds`, from `begin` in the part of the user `after` on."""
        keys, found = self._keys, list[str]()
        first = keys.shard_of(after) if after else 0
        for start in range(first, len(keys.shards), SHARDS_AT_A_TIME):
            numbers = range(start, min(start + SHARDS_AT_A_TIME, len(keys.shards)))
            commands = [
                (
                    *("ZRANGEBYLEX", keys.index(name, keys.shards[number])),
                    *(begin if number == first else bounds[0], bounds[1], "LIMIT", 0, limit),
                )
                for number in numbers
            ]
            found += self._names(name, start, await self._redis.call_many(commands))
            if len(found) >= limit:
                break
        return found[:limit]

    def _names(self, name: str, first: int, replies: Sequence[list[bytes]]) -> list[str]:
        """The members in the answers of parts of an index, from the number `first` on; what is no user goes from it."""
        is_named = _is_login_first if name == "logins" else _is_key
        found = list[str]()
        for number, members in enumerate(replies, first):
            if not members:  # most of a cluster's 16,384 parts
                continue
            texts = [member.decode("utf-8", "replace") for member in members]
            found += [text for text in texts if is_named(text)]
            bad = [member for member, text in zip(members, texts, strict=True) if not is_named(text)]
            if bad:
                self._take_out(name, self._keys.index(name, self._keys.shards[number]), bad)
        return found

    def _take_out(self, name: str, key: str, members: list[bytes]) -> None:
        self._redis.spoilt.note("index", key, "no users")
        command = "SREM" if name in ("overfull", "retained") else "ZREM"
        try:
            self._redis.send((command, key, *members), ignore)
        except NotifierError:
            return  # the store has just gone: the next reader finds them again


def _is_key(text: str) -> bool:
    return parse_user_key(text) is not None


def _is_login_first(text: str) -> bool:
    return _is_key(_key_of(text))


def _by_login(key: str) -> str:
    number, _, login = key.partition("-")
    return f"{login} {number}"


def _key_of(by_login: str) -> str:
    login, _, number = by_login.rpartition(" ")
    return f"{number}-{login}"
