"""The inboxes in Redis: what is accepted, read, expired and shown. One script per step, atomic within a user's slot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from notifier.domain.entries import Entry
from notifier.domain.users import User
from notifier.errors import NotifierError
from notifier.store.payloads import Payloads
from notifier.store.redis.client import Redis, as_error
from notifier.store.redis.gather import Gatherer, Head
from notifier.store.redis.link import OnReply, Reply

HISTORY = 100  # entries that a new connection is sent
SCRIPTS = (
    *("accept", "arrivals", "attach", "catch_up", "clear", "cleared", "detach", "expire", "page", "read", "read_all"),
    *("renew", "repair", "retain", "retention", "trim"),
)
HARD_CAP_FACTOR = 10  # a stream never holds more than ten times STREAM_MAXLEN: 1,000 by default (contract §5)


T = TypeVar("T")
Announce = Callable[[Sequence["Item"], "Accepted"], None]


class Holder:
    """This pod as locks know it: its name, and the fencing number of this incarnation (0 until the store gave one)."""

    __slots__ = ("fence", "pod")

    def __init__(self, pod: str, fence: int = 0) -> None:
        self.pod = pod
        self.fence = fence


class Arrivals(Struct, frozen=True):
    """The new entries of one user's inbox.

    `fresh` is id, nid, payload (None: the one just accepted, empty: it has expired), id, …; `owner` holds the lock
    (empty: nobody); `others` are the further pods with connections of the user.
    """

    owner: bytes
    fresh: list[bytes | None]
    others: list[bytes] | None


class Snapshot(NamedTuple):
    """An inbox at the moment a connection began. `entries` are newest first; `cleared` is id, nid, …; the list that it
    comes from has `cleared_items`."""

    arrivals: Arrivals
    cleared: list[bytes]
    cleared_items: int
    entries: list[Entry]
    pending: int
    total: int
    last_id: bytes


class Wanted(NamedTuple):
    """A user whose stream is to be read on, after the id `after`; `dead` is a pod known to be gone, whose lock may be
    taken (empty: none)."""

    user: str
    after: str
    dead: str


class Expired(NamedTuple):
    """Entries that were removed, the unread ones among them, and the holder of the lock (empty: nobody)."""

    removed: int
    unread: int
    owner: str


class Gone(NamedTuple):
    """Unread entries that were removed without the user: id, nid, … of each; and the other instances of the user."""

    entries: list[bytes]
    others: list[bytes]


class MarkedRead(NamedTuple):
    """Entries marked read: id, nid, … of each; and the other instances of the user."""

    entries: list[bytes]
    others: list[bytes]


class ReadOn(NamedTuple):
    """Entries of a stream after an id, oldest first; `more` where there may be further ones; the last id that it
    gave (empty: there is no stream); who holds the lock; the further pods with connections of the user."""

    owner: bytes
    others: list[bytes]
    last_id: bytes
    entries: list[Entry]
    more: bool


class Item(Struct, frozen=True):
    """One notification to be stored: for whom, its id, its life (None: the user's own) and its payload."""

    user: User
    notification_id: str
    ttl_ms: int | None
    payload: bytes


class Remembered(NamedTuple):
    """The idempotency record of a request: where it is kept, what it must match, and the answer to give again."""

    key: str
    fingerprint: bytes
    nonce: bytes
    answer: bytes
    ttl_ms: int


class Accepted(Struct, frozen=True):
    """The outcome of `accept`: `mismatch`, a `replay` (the first answer), or `stored` with arrivals and a stream id
    per item (empty: an earlier try had stored it), and how many unread ones had to make room."""

    outcome: str
    replay: bytes
    arrivals: list[Arrivals]
    stream_ids: list[bytes]
    trimmed: int


class PlainPath(Protocol):
    """Plain commands in place of scripts: `express.py`."""

    def alone(self, user: str, length: int | None) -> None: ...
    def serves(self, user: str) -> bool: ...
    def forget(self, user: str) -> None: ...
    def forget_all(self) -> None: ...
    def taking(self, users: Iterable[str]) -> Callable[[], None]: ...
    def unseen(self, user: str, fresh: list[bytes | None]) -> list[bytes | None]: ...
    def submit(
        self, items: Sequence[Item], on_part: Announce, on_accepted: Callable[[Accepted | NotifierError], None]
    ) -> bool: ...
    def read(
        self,
        user: str,
        pairs: Sequence[tuple[str, str]],
        on_read: Callable[[list[int] | NotifierError, list[bytes]], None],
    ) -> bool: ...
    def bring_up_to_date(self) -> None: ...


class InboxPolicy(NamedTuple):
    """The default lifetime of a payload, and the number of entries kept per inbox."""

    default_ttl_ms: int
    maxlen: int


class Inbox:
    """All inboxes of one store."""

    def __init__(self, redis: Redis, policy: InboxPolicy) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._payloads = Payloads(redis)
        self._policy = policy
        self._scripts = {name: redis.script(f"inbox/{name}") for name in SCRIPTS}
        self._accepts = Gatherer(redis, self._scripts["accept"])
        self._reads = Gatherer(redis, self._scripts["read"])
        self.express: PlainPath | None = None

    @property
    def policy(self) -> InboxPolicy:
        """The policy in force."""
        return self._policy

    @property
    def cap(self) -> int:
        """The number of entries that no stream exceeds."""
        return self._policy.maxlen * HARD_CAP_FACTOR

    def reconfigure(self, policy: InboxPolicy) -> None:
        """Replaces the policy, for what comes next."""
        self._policy = policy

    async def accept(
        self, holder: Holder, items: Sequence[Item], remembered: Remembered | None, announce: Announce | None = None
    ) -> Accepted:
        """Stores all items (on one server: all or none); what this pod may push at once comes back with it.

        `announce` gets that in the order of the stream, even when nobody waits for the outcome any more: the group
        has gone past it.

        Repeating it with the same ids stores nothing twice. `remembered` needs `is_one_script`.

        Raises `NotifierError(unavailable)`.
        """
        groups = self._by_shard(items, lambda item: item.user.key)
        if len(groups) == 1:
            return await self._accept(holder, items, remembered, announce)
        parts = await asyncio.gather(*(self._accept(holder, group, remembered, announce) for group in groups))
        rows = {
            id(item): (arrivals, stream_id)
            for group, part in zip(groups, parts, strict=True)
            for item, arrivals, stream_id in zip(group, part.arrivals, part.stream_ids, strict=True)
        }
        ordered = [rows[id(item)] for item in items]
        trimmed = sum(part.trimmed for part in parts)
        return Accepted("stored", b"", [row[0] for row in ordered], [row[1] for row in ordered], trimmed)

    def is_one_script(self, users: int, remembered: bool) -> bool:
        """True where one script can store notifications for so many users, and the idempotency record where there is
        one: always on one server, on Redis Cluster for one user without a record."""
        return not self._keys.cluster or (users == 1 and not remembered)

    def submit(
        self,
        holder: Holder,
        items: Sequence[Item],
        remembered: Remembered | None,
        on_accepted: Callable[[Accepted | NotifierError], None],
        announce: Announce = lambda items, accepted: None,
    ) -> None:
        """As `accept` where `is_one_script`, tried once and without a task of its own.

        All that one turn of the loop submits goes to the store together. `announce` may be called for some items first.
        """
        if remembered is None and self.express is not None and self.express.submit(items, announce, on_accepted):
            return
        self.submit_to_script(holder, items, remembered, on_accepted, announce)

    def submit_to_script(
        self,
        holder: Holder,
        items: Sequence[Item],
        remembered: Remembered | None,
        on_accepted: Callable[[Accepted | NotifierError], None],
        announce: Announce = lambda items, accepted: None,
    ) -> None:
        """As `submit`, without plain commands."""
        taken = _nothing

        def leaving() -> None:
            nonlocal taken
            taken = self._taking([item.user.key for item in items])

        def convert(reply: Reply) -> None:
            accepted = self._accepted(reply, holder, items) if isinstance(reply, list) else as_error(reply)
            taken()
            if isinstance(accepted, Accepted):
                announce(items, accepted)
            on_accepted(accepted)

        head, args = self._accept_head(holder), _accept_args(items, remembered)
        self._accepts.add(items[0].user.key, head, args, convert, leaving if self.express is not None else None)

    def _taking(self, users: Iterable[str]) -> Callable[[], None]:
        """A script leaves that takes what is new to these users; to be called with its reply: what this returns."""
        return _nothing if self.express is None else self.express.taking(users)

    def _unseen(self, user: str, arrivals: Arrivals) -> Arrivals:
        """Arrivals without what plain commands have handed out."""
        if self.express is None or not arrivals.fresh:
            return arrivals
        return Arrivals(arrivals.owner, self.express.unseen(user, arrivals.fresh), arrivals.others)

    def _note_alone(self, user: str, length: int | None) -> None:
        if self.express is not None:
            self.express.alone(user, length)

    @property
    def _plain(self) -> int:
        return int(self.express is not None)

    def _accepted(self, reply: list[Any], holder: Holder, items: Sequence[Item]) -> Accepted:
        accepted = _accepted(reply, holder, items)
        for place, (item, arrivals) in enumerate(zip(items, accepted.arrivals, strict=False)):
            accepted.arrivals[place] = self._unseen(item.user.key, arrivals)
        return accepted

    async def _accept(
        self, holder: Holder, items: Sequence[Item], remembered: Remembered | None, announce: Announce | None
    ) -> Accepted:
        taken = self._taking([item.user.key for item in items])

        def hand_out(reply: Reply) -> None:
            accepted = self._accepted(reply[0], holder, items) if isinstance(reply[0], list) else None
            taken()
            if announce is not None and accepted is not None:
                announce(items, accepted)

        args, key = _accept_args(items, remembered), self._keys.stream(items[0].user.key)
        head = partial(self._accept_head, holder)
        try:
            (reply,) = await self._redis.run_again(self._scripts["accept"], key, *args, head=head, at_once=hand_out)
        finally:
            taken()
        if isinstance(reply, list):
            return _accepted(reply, holder, items)
        raise as_error(reply)

    def _accept_head(self, holder: Holder) -> Head:
        default_ttl_ms, maxlen = self._policy
        return holder.pod, holder.fence, default_ttl_ms, maxlen, self.cap

    def _by_shard(self, items: Sequence[T], user_of: Callable[[T], str]) -> list[Sequence[T]]:
        """Groups that one script each can deal with: all in one, but in a cluster."""
        if len(self._keys.shards) == 1 or len(items) == 1:
            return [items]
        groups: dict[int, list[T]] = {}
        for item in items:
            groups.setdefault(self._keys.shard_of(user_of(item)), []).append(item)
        return list(groups.values())

    def arrivals(
        self, holder: Holder, users: Sequence[str], on_rows: Callable[[Sequence[str], list[Arrivals] | None], None]
    ) -> None:
        """Reads what is new for users whose lock the pod holds.

        `on_rows` gets users and arrivals for each, or None on a failure; in a cluster it is called several times.
        """
        for group in self._by_shard(users, str):
            taken = self._taking(group)

            def convert(reply: Reply, group: Sequence[str] = group, taken: Callable[[], None] = taken) -> None:
                rows = None if isinstance(reply, Exception) else self._arrivals(group, reply)
                taken()
                on_rows(group, rows)

            key, args = self._keys.stream(group[0]), (holder.pod, holder.fence, self._plain, *group)
            try:
                self._redis.send_script(self._scripts["arrivals"], key, args, convert)
            except NotifierError:
                taken()
                raise

    def _arrivals(self, group: Sequence[str], reply: list[Any]) -> list[Arrivals]:
        found = []
        for user, row in zip(group, reply, strict=True):
            found.append(self._unseen(user, Arrivals(*row[:3])))
            self._note_alone(user, row[3])
        return found

    async def attach(self, holder: Holder, user: str, lock_ttl: float, take_in: Callable[[Snapshot], None]) -> Snapshot:
        """Joins the user's route, takes the lock where it is free, and reads the inbox.

        `take_in` gets it before any later reply is looked at.
        """
        snapshots: list[Snapshot] = []

        taken = self._taking([user])

        def keep(reply: Reply) -> None:
            snapshots.append(self._snapshot(user, reply))
            taken()
            self._note_alone(user, reply[-1])
            take_in(snapshots[0])

        args = (user, holder.pod, holder.fence, round(lock_ttl * 1000), HISTORY, self._plain)
        try:
            await self._run("attach", user, *args, at_once=keep)
        finally:
            taken()
        return snapshots[0]

    def read_on(
        self,
        holder: Holder,
        wanted: Sequence[Wanted],
        lock_ttl: float,
        on_rows: Callable[[Sequence[Wanted], list[ReadOn | Exception] | None], None],
    ) -> int:
        """Reads on in streams, and takes the locks of their users where they are free or held by `dead`.

        `on_rows` gets what was wanted, and for each what was found or the error of that user's keys; None on a failure
        of all. It is called as often as the number returned.
        """
        head = (holder.pod, holder.fence, round(lock_ttl * 1000), HISTORY, self._plain)
        groups = self._by_shard(wanted, lambda one: one.user)
        for group in groups:
            taken = self._taking([one.user for one in group])

            def convert(reply: Reply, group: Sequence[Wanted] = group, taken: Callable[[], None] = taken) -> None:
                taken()
                on_rows(group, None if isinstance(reply, Exception) else self._read_on(group, reply))

            args = [part for one in group for part in one]
            try:
                self._redis.send_script(
                    self._scripts["catch_up"], self._keys.stream(group[0].user), (*head, *args), convert
                )
            except NotifierError:
                taken()
                on_rows(group, None)
        return len(groups)

    def _snapshot(self, user: str, reply: list[Any]) -> Snapshot:
        owner, fresh, others, cleared, flat, pending, total, last_id, _ = reply
        entries, told = self._payloads.entries(user, flat), self._payloads.pairs(user, cleared)
        arrivals = self._unseen(user, Arrivals(owner, fresh, others))
        return Snapshot(arrivals, told, len(cleared), entries, max(0, pending), total, last_id)

    def _read_on(self, group: Sequence[Wanted], reply: list[Any]) -> list[ReadOn | Exception]:
        def read(user: str, row: Reply) -> ReadOn | Exception:
            if isinstance(row, Exception):
                return row
            owner, others, last_id, flat, number, alone = row
            self._note_alone(user, alone)
            return ReadOn(owner, others or [], last_id, self._payloads.entries(user, flat), number >= HISTORY)

        return [read(one.user, row) for one, row in zip(group, reply, strict=True)]

    async def detach(self, holder: Holder, user: str) -> list[str]:
        """Leaves the user's route and lets the lock go; the pods that still have connections of the user."""
        if self.express is not None:
            self.express.forget(user)
        others = await self._run("detach", user, user, holder.pod, holder.fence)
        return [name.decode() for name in others or ()]

    async def renew(self, holder: Holder, users: Sequence[str], lock_ttl: float) -> dict[str, str]:
        """Keeps routes and locks of these users alive; the holder of each lock."""
        head = (holder.pod, holder.fence, round(lock_ttl * 1000))
        groups = self._by_shard(users, str)
        replies = await asyncio.gather(*(self._run("renew", group[0], *head, *group) for group in groups))
        return {
            user: owner.decode()
            for group, owners in zip(groups, replies, strict=True)
            for user, owner in zip(group, owners, strict=True)
        }

    def read(
        self,
        holder: Holder,
        user: str,
        pairs: Sequence[tuple[str, str]],
        on_read: Callable[[list[int] | NotifierError, list[bytes]], None],
    ) -> None:
        """Marks (stream id, notification id) pairs read; all of one turn of the loop go in one command.

        `on_read` gets, per pair, 1 (marked now), 0 (was read before) or −1 (not in this inbox), or the error; and the
        other pods of the user.
        """
        if self.express is None or not self.express.read(user, pairs, on_read):
            self.read_by_script(holder, user, pairs, on_read)

    def read_by_script(
        self,
        holder: Holder,
        user: str,
        pairs: Sequence[tuple[str, str]],
        on_read: Callable[[list[int] | NotifierError, list[bytes]], None],
    ) -> None:
        """As `read`, without plain commands."""

        def convert(reply: Reply) -> None:
            if isinstance(reply, list):
                on_read(reply[1:], reply[0] or [])
            else:
                on_read(as_error(reply), [])

        args: list[Any] = [user, len(pairs)]
        for pair in pairs:
            args += pair
        self._reads.add(user, (holder.pod,), args, convert)

    async def read_all(self, holder: Holder, user: str, up_to: str) -> MarkedRead:
        """Marks all up to a stream id read: id, nid, … of those marked now; and the other pods of the user."""
        marked, others = await self._run("read_all", user, user, holder.pod, up_to)
        return MarkedRead(marked, others or [])

    async def page(self, user: str, limit: int, before: str | None, after: str | None) -> list[Entry]:
        """The newest `limit` entries, or those just before, just after, or between two ids; oldest first."""
        return self._payloads.entries(user, await self._run("page", user, user, limit, before or "", after or ""))

    def fragment(self, user: str, notification_id: bytes, payload: bytes) -> bytes | None:
        """The part of a fresh entry's payload that frames carry; None where it has expired or cannot be read."""
        return self._payloads.fragment(user, notification_id, payload)

    async def set_retention(self, user: str, days: int) -> None:
        """Sets for how many days the user wants notifications kept."""
        await self._run("retention", user, user, days)

    async def expire(self, user: str, again_after: float) -> Expired:
        """Removes what has expired: entries, unread among them, and who holds the lock."""
        again_after_ms = round(again_after * 1000)
        removed, unread, owner = await self._run("expire", user, user, again_after_ms, self._policy.default_ttl_ms)
        return Expired(removed, unread, owner.decode("utf-8", "replace"))

    async def pop_cleared(self, holder: Holder, user: str) -> Gone:
        """Removes and returns the entries that expired unread and that the user was not told of.

        (id, nid, …) and the other instances; nothing unless `holder` has the lock."""
        cleared, others = await self._run("cleared", user, user, holder.pod, holder.fence)
        return Gone(self._payloads.pairs(user, cleared), others or [])

    async def told_cleared(self, user: str, length: int) -> None:
        """The user has been sent the first `length` items of the list of what was cleared."""
        await self._redis.call("LTRIM", self._keys.cleared(user), length, -1)

    async def clear(self, user: str) -> tuple[int, str]:
        """Removes what is unread: how many, and who holds the lock."""
        cleared, owner = await self._run("clear", user, user)
        return cleared, owner.decode("utf-8", "replace")

    async def trim(self, user: str) -> int:
        """Cuts the inbox to its newest `maxlen`; how many unread ones went."""
        return int(await self._run("trim", user, user, self._policy.maxlen))

    async def retain(self, user: str) -> int:
        """Applies the user's retention to what is in the inbox; how many payloads changed."""
        return int(await self._run("retain", user, user))

    async def repair(self, user: str) -> tuple[int, int]:
        """Removes dangling references and states; how many, and 1 where the consumer group had to be made."""
        removed, created = await self._run("repair", user, user)
        return removed, created

    def break_off(self) -> None:
        """The connection to the store broke: plain commands wait until scripts have read on."""
        if self.express is not None:
            self.express.forget_all()

    def bring_up_to_date(self) -> None:
        """Brings the indexes up to date with all that plain commands have stored."""
        if self.express is not None:
            self.express.bring_up_to_date()

    def shared(self, users: Iterable[str]) -> list[str]:
        """Those of the users for whom plain commands might be of use and are not allowed: yet, or any more."""
        return [] if self.express is None else [user for user in users if not self.express.serves(user)]

    def note_failure(self, user: str, error: NotifierError) -> None:
        """Counts a failure over a user's keys, and names them in the log once."""
        self._redis.spoilt.note("stream", self._keys.stream(user), str(error.__cause__ or error))

    async def _run(self, name: str, user: str, *args: Any, at_once: OnReply | None = None) -> Reply:
        return await self._redis.run(self._scripts[name], self._keys.stream(user), *args, at_once=at_once)


def _nothing() -> None:
    """No plain commands: nothing to note."""


def _accept_args(items: Sequence[Item], remembered: Remembered | None) -> list[Any]:
    args: list[Any] = [len(items), *(remembered or ("",))]
    for item in items:
        args += (item.user.key, item.notification_id, "" if item.ttl_ms is None else item.ttl_ms, item.payload)
    return args


def _accepted(reply: list[Any], holder: Holder, items: Sequence[Item]) -> Accepted:
    head = reply[0]
    if type(head) is not int:
        return Accepted(head.decode(), reply[1] if len(reply) > 1 else b"", [], [], 0)
    own = holder.pod.encode()
    arrivals, stream_ids = [], []
    for row, item in zip(reply[1:], items, strict=True):
        if type(row) is bytes:  # the usual case: nothing new but this one, and nobody elsewhere
            arrivals.append(Arrivals(own, [row, item.notification_id.encode(), None], None))
            stream_ids.append(row)
        else:
            arrivals.append(Arrivals(row[1], row[2], row[3]))
            stream_ids.append(row[0])
    return Accepted("stored", b"", arrivals, stream_ids, head)
