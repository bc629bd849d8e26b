"""The states of notifications in inboxes: marks, snoozing, counts, parts of an inbox; and those with a caller's key.

Plain notifications and plain marks of reading go without it (`inbox_acceptance.py`, `inbox.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from notifier.domain.states import Counts, Kept, Marks, kept
from notifier.store.inbox_plain import PlainSeat
from notifier.store.inbox_values import Arrivals, Holder, InboxPolicy
from notifier.store.payloads import Payloads
from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply

SCRIPTS = ("adopt", "find", "list", "look", "mark", "named", "put", "retract", "snooze", "swap", "wake")
LOOKED_AT = 1_000  # entries of the index of what is to come
USERS_AT_A_TIME = 16  # of one script that counts: an inbox may have 1,000 marks
PAIRS_AT_A_TIME = 100

OnArrivals = Callable[[str, Arrivals], None]
Pair = tuple[str, str]  # stream id (empty: not known) and notification id


class Part(NamedTuple):
    """A part of an inbox, its counts at that moment where they were wanted, and where the next part begins (None: this
    is the last)."""

    counts: Counts
    following: str | None
    entries: list[Kept]


class Marked(NamedTuple):
    """One notification that was to be marked, and what came of it: 2 read by this mark, 1 changed, 0 so before,
    -1 not in this inbox, -2 acted on, -3 archived."""

    notification_id: str
    stream_id: str
    code: int


class Outcome(NamedTuple):
    """The outcome of marks: the counts since, the user's other instances, and each notification."""

    counts: Counts
    others: list[bytes]
    marked: list[Marked]


class KeyedItem(NamedTuple):
    """One notification with a key, or that is to come later: its user and id, its life (None: the user's own), the
    caller's name and key (empty: none), what becomes of an earlier one, the Unix ms when it is to come (None: now),
    and the two halves of its payload."""

    user: str
    notification_id: str
    ttl_ms: int | None
    name: str
    on_same: str
    deliver_at: int | None
    said: bytes
    rest: bytes


class Put(NamedTuple):
    """The outcome of a `KeyedItem`: `stored`, `scheduled`, `bumped`, `replaced` or `kept`."""

    notification_id: str
    outcome: str
    stream_id: str
    revision: int
    read: bool
    others: list[bytes]


class Named(NamedTuple):
    """A notification as it was read: its id and its payload."""

    notification_id: str
    payload: bytes


class Renewal(NamedTuple):
    """True where a change renews the life of what it changes, and that life in ms (None: the user's own)."""

    renews: bool
    ttl_ms: int | None


class Swapped(NamedTuple):
    """The outcome of another payload: 1 done, 0 it is another one by now, -1 it has gone."""

    code: int
    stream_id: str
    read: bool
    others: list[bytes]


class Retracted(NamedTuple):
    """The former state of what was taken back: `unread`, `read` or `gone`."""

    was: str
    notification_id: str
    stream_id: str
    others: list[bytes]


class InboxStates:
    """The states of all inboxes of one store. Every method may raise `NotifierError(unavailable)`."""

    def __init__(self, redis: Redis, policy: InboxPolicy, plain: PlainSeat) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._policy = policy
        self._plain = plain
        self._payloads = Payloads(redis)
        self._scripts = {name: redis.script(f"states/{name}") for name in SCRIPTS}

    @property
    def needs_user(self) -> bool:
        """True where a notification is found by its user alone: on Redis Cluster."""
        return self._keys.cluster

    def reconfigure(self, policy: InboxPolicy) -> None:
        """Replaces the policy, for what comes next."""
        self._policy = policy

    # -- reading

    async def part(self, user: str, low: str, high: str, most: int, newest_first: bool, counted: bool = False) -> Part:
        """Up to `most` entries between two ids (`-` and `+` are the ends, `(` before an id leaves it out); `counted`
        with the counts, of which otherwise `rev` alone is told."""
        first, last = (high, low) if newest_first else (low, high)
        reply = await self._run("list", user, user, first, last, most, int(newest_first), int(counted))
        counts, following, *flat = reply
        return Part(counts_of(counts), following.decode() if following else None, self._entries(user, flat))

    async def one(self, user: str, notification_id: str) -> tuple[Counts, Kept | None]:
        """The counts of an inbox, and one of its notifications."""
        counts, _, *flat = await self._run("find", user, user, notification_id)
        entries = self._entries(user, flat)
        return counts_of(counts), entries[0] if entries else None

    async def look(self, wanted: Mapping[str, Sequence[tuple[bytes, bytes]]]) -> dict[str, tuple[Counts, list[Kept]]]:
        """The counts of users' inboxes, and the states of some notifications in them, without what they say."""
        users = list(wanted)
        groups = [
            group[start : start + USERS_AT_A_TIME]
            for group in self._keys.by_shard(users, str)
            for start in range(0, len(group), USERS_AT_A_TIME)
        ]
        found: dict[str, tuple[Counts, list[Kept]]] = {}
        for group, rows in zip(groups, await asyncio.gather(*(self._look(one, wanted) for one in groups)), strict=True):
            for user, row in zip(group, rows, strict=True):
                if not isinstance(row, Exception):
                    counts, *flat = row
                    states = [kept(*flat[i : i + 4]) for i in range(0, len(flat), 4)]
                    found[user] = (counts_of(counts), states)
        return found

    async def _look(self, users: Sequence[str], wanted: Mapping[str, Sequence[tuple[bytes, bytes]]]) -> list[Any]:
        args: list[Any] = []
        for user in users:
            pairs = wanted[user][-PAIRS_AT_A_TIME:]
            args += (user, len(pairs), *(part for pair in pairs for part in pair))
        rows: list[Any] = await self._run("look", users[0], *args)
        return rows

    def _entries(self, user: str, flat: Sequence[Any]) -> list[Kept]:
        rows = [kept(*flat[i : i + 5]) for i in range(0, len(flat), 5)]
        bad = self._payloads.unreadable(user, {row.notification_id: row.payload for row in rows})
        return [row._replace(payload=None) if row.notification_id in bad else row for row in rows] if bad else rows

    async def to_come(self, user: str) -> list[Kept]:
        """Notifications of a user that are put off, or come for the first time, the soonest first; their stream ids
        tell the ms when. Those of all users stand in one index: the first thousand of it are looked at."""
        index = self._keys.index("snoozed", self._keys.shards[self._keys.shard_of(user)])
        flat = await self._redis.call("ZRANGE", index, 0, LOOKED_AT - 1, "WITHSCORES")
        rows = [(*_member(flat[at]), int(float(flat[at + 1]))) for at in range(0, len(flat), 2)]
        mine = [(nid, due) for owner, nid, due in rows if owner == user]
        payloads = await self._redis.call_many([("GET", self._keys.payload(user, nid)) for nid, _ in mine])
        found = [
            Kept(f"{due}-0", nid, False, Marks(), payload)
            for (nid, due), payload in zip(mine, payloads, strict=True)
            if isinstance(payload, bytes)
        ]
        bad = self._payloads.unreadable(user, {row.notification_id: row.payload for row in found})
        return [row for row in found if row.notification_id not in bad]

    # -- marking

    async def mark(self, holder: Holder, user: str, mark: str, pairs: Sequence[Pair]) -> Outcome:
        """Marks notifications, at most a hundred of them."""
        args = [part for pair in pairs for part in pair]
        counts, others, *rows = await self._run("mark", user, user, holder.pod, mark, *args)
        marked = [Marked(nid.decode(), stream_id.decode(), code) for nid, stream_id, code in rows]
        return Outcome(counts_of(counts), others or [], marked)

    async def snooze(self, holder: Holder, user: str, notification_id: str, until_ms: int | None) -> Outcome:
        """Puts one off until a Unix time in ms, or brings it back as it was (None)."""
        till = "" if until_ms is None else until_ms
        counts, others, stream_id, changed = await self._run("snooze", user, user, holder.pod, notification_id, till)
        code = changed if stream_id else -1
        return Outcome(counts_of(counts), others or [], [Marked(notification_id, stream_id.decode(), code)])

    async def wake(self, holder: Holder, user: str, notification_id: str, announce: OnArrivals) -> bool:
        """Brings back one whose time has come; False where it has not, or it is no more."""
        args = (user, holder.pod, holder.fence, notification_id, self._policy.maxlen)

        def hand_out(reply: Reply) -> list[tuple[str, Arrivals]]:
            return [(user, Arrivals(*reply[1:4]))] if reply else []

        return bool(await self._take("wake", [user], args, hand_out, announce))

    # -- with a key, or later

    async def put(self, holder: Holder, items: Sequence[KeyedItem], announce: OnArrivals) -> list[Put]:
        """Stores what has a key or is to come later, in the order of the items."""
        groups = self._keys.by_shard(items, lambda item: item.user)
        parts = await asyncio.gather(*(self._put(holder, group, announce) for group in groups))
        rows = {
            id(item): row
            for group, part in zip(groups, parts, strict=True)
            for item, row in zip(group, part, strict=True)
        }
        return [rows[id(item)] for item in items]

    async def _put(self, holder: Holder, items: Sequence[KeyedItem], announce: OnArrivals) -> list[Put]:
        policy = self._policy
        args: list[Any] = [holder.pod, holder.fence, policy.default_ttl_ms, policy.maxlen, policy.cap]
        for item in items:
            args += ("" if value is None else value for value in item)

        def hand_out(reply: Reply) -> list[tuple[str, Arrivals]]:
            rows = zip(items, reply, strict=True)
            return [
                (item.user, Arrivals(*row[5:8])) for item, row in rows if row[6] or row[1] in (b"stored", b"bumped")
            ]

        reply = await self._take("put", [item.user for item in items], args, hand_out, announce)
        return [_put_of(row) for row in reply]

    async def payload(self, user: str, notification_id: str) -> bytes | None:
        """The payload of a notification, None where there is none (on Redis Cluster, of this user)."""
        reply: bytes | None = await self._redis.call("GET", self._keys.payload(user, notification_id))
        return reply

    async def named(self, user: str, name: str) -> Named | None:
        """The notification of a caller's name and key; None where there is none, or it cannot be read."""
        reply = await self._run("named", user, user, name)
        if not reply:
            return None
        found = Named(reply[0].decode(), reply[1])
        bad = self._payloads.unreadable(user, {found.notification_id: found.payload})
        return None if bad else found

    async def adopt(self, user: str, name: str, notification_id: str) -> bool:
        """Puts what was stored without a key under a caller's name and key; False where it has gone."""
        return bool(await self._run("adopt", user, user, name, notification_id))

    async def life(self, user: str, notification_id: str) -> int:
        """The ms that a payload has still to live, negative where there is none."""
        reply: int = await self._redis.call("PTTL", self._keys.payload(user, notification_id))
        return reply

    async def swap(self, holder: Holder, user: str, known: Named, new: bytes, closes: str, renewal: Renewal) -> Swapped:
        """Puts another payload in the place of the one that is `known`; by the name and key `closes` it is no longer
        found (empty: it stays)."""
        digest = hashlib.sha1(known.payload, usedforsecurity=False).hexdigest()
        asked = "" if renewal.ttl_ms is None else renewal.ttl_ms
        usual = self._policy.default_ttl_ms if renewal.renews else ""
        args = (user, holder.pod, known.notification_id, digest, new, closes, asked, usual)
        code, stream_id, state, others = await self._run("swap", user, *args)
        return Swapped(code, stream_id.decode(), state == b"read", others or [])

    async def retract(self, holder: Holder, user: str, notification_id: str, name: str) -> Retracted:
        """Takes a notification back, by its id or by the caller's name and key."""
        was, nid, stream_id, others = await self._run("retract", user, user, holder.pod, notification_id, name)
        return Retracted(was.decode(), nid.decode(), stream_id.decode(), others or [])

    # -- scripts

    async def _take(
        self,
        name: str,
        users: Sequence[str],
        args: Sequence[Any],
        hand_out: Callable[[Reply], list[tuple[str, Arrivals]]],
        announce: OnArrivals,
    ) -> Reply:
        """A script that takes what is new to users: it is handed out before any later reply is looked at."""
        taken = self._plain.taking(users)

        def at_once(reply: Reply) -> None:
            found = [(user, self._plain.unseen(user, arrivals)) for user, arrivals in hand_out(reply)]
            taken(bool(reply))
            for user, arrivals in found:
                announce(user, arrivals)

        try:
            return await self._run(name, users[0], *args, at_once=at_once)
        finally:
            taken(False)

    async def _run(self, name: str, user: str, *args: Any, at_once: Callable[[Reply], None] | None = None) -> Reply:
        return await self._redis.run(self._scripts[name], self._keys.stream(user), *args, at_once=at_once)


def counts_of(row: Sequence[Any]) -> Counts:
    """Counts as scripts answer them."""
    unread, unseen, total, rev = row
    return Counts(max(0, unread), max(0, unseen), max(0, total), int(rev))


def _put_of(row: Sequence[Any]) -> Put:
    nid, outcome, stream_id, revision, state, _, _, others = row
    return Put(nid.decode(), outcome.decode(), stream_id.decode(), revision, state == b"read", others or [])


def _member(text: bytes) -> tuple[str, str]:
    """User and notification of an entry in the index of what is to come."""
    user, _, notification_id = text.decode("utf-8", "replace").partition("\x1f")
    return user, notification_id
