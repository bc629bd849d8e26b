"""The inboxes in Redis, as connections and users see them: attached, read on, marked read, paged, expired entries told.

One script per step, atomic within a user's slot. What is stored is in `inbox_acceptance.py`, what is removed in
`inbox_upkeep.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from notifier.domain.entries import Entry
from notifier.domain.states import kept
from notifier.errors import NotifierError
from notifier.store.inbox_acceptance import Acceptance
from notifier.store.inbox_plain import PlainSeat
from notifier.store.inbox_states import InboxStates, counts_of
from notifier.store.inbox_upkeep import InboxUpkeep
from notifier.store.inbox_values import (
    HISTORY,
    Arrivals,
    Gone,
    Holder,
    InboxPolicy,
    MarkedRead,
    ReadOn,
    Snapshot,
    Wanted,
)
from notifier.store.payloads import Payloads
from notifier.store.redis.client import Redis, as_error
from notifier.store.redis.gather import Gatherer
from notifier.store.redis.link import OnReply, Reply

SCRIPTS = ("arrivals", "catch_up", "cleared", "detach", "page", "read", "read_all", "renew", "retention")


class Inbox:
    """All inboxes of one store; `acceptance`, `states` and `upkeep` are the other sides of them."""

    def __init__(self, redis: Redis, policy: InboxPolicy) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._payloads = Payloads(redis)
        self._policy = policy
        self._scripts = {name: redis.script(f"inbox/{name}") for name in SCRIPTS}
        self._attach = redis.script("states/attach")
        self._reads = Gatherer(redis, self._scripts["read"])
        self.plain = PlainSeat()
        self.acceptance = Acceptance(redis, policy, self.plain)
        self.upkeep = InboxUpkeep(redis, policy)
        self.states = InboxStates(redis, policy, self.plain)

    @property
    def policy(self) -> InboxPolicy:
        """The policy in force."""
        return self._policy

    def reconfigure(self, policy: InboxPolicy) -> None:
        """Replaces the policy, for what comes next."""
        self._policy = policy
        self.acceptance.reconfigure(policy)
        self.upkeep.reconfigure(policy)
        self.states.reconfigure(policy)

    def arrivals(
        self, holder: Holder, users: Sequence[str], on_rows: Callable[[Sequence[str], list[Arrivals] | None], None]
    ) -> None:
        """Reads what is new for users whose lock the pod holds.

        `on_rows` gets users and arrivals for each, or None on a failure; in a cluster it is called several times.
        """
        for group in self._keys.by_shard(users, str):
            taken = self.plain.taking(group)

            def convert(reply: Reply, group: Sequence[str] = group, taken: Callable[[bool], None] = taken) -> None:
                rows = None if isinstance(reply, Exception) else self._arrivals(group, reply)
                taken(rows is not None)
                on_rows(group, rows)

            key, args = self._keys.stream(group[0]), (holder.pod, holder.fence, self.plain.flag, *group)
            try:
                self._redis.send_script(self._scripts["arrivals"], key, args, convert)
            except NotifierError:
                taken(False)
                raise

    def _arrivals(self, group: Sequence[str], reply: list[Any]) -> list[Arrivals]:
        found = []
        for user, row in zip(group, reply, strict=True):
            found.append(self.plain.unseen(user, Arrivals(*row[:3])))
            self.plain.note_alone(user, row[3])
        return found

    async def attach(
        self, holder: Holder, user: str, lock_ttl: float, take_in: Callable[[Snapshot], None], with_states: bool = False
    ) -> Snapshot:
        """Joins the user's route, takes the lock where it is free, and reads the inbox; `with_states` also its counts.

        `take_in` gets it before any later reply is looked at.
        """
        snapshots: list[Snapshot] = []

        taken = self.plain.taking([user])

        def keep(reply: Reply) -> None:
            snapshots.append(self._snapshot(user, reply))
            taken(True)
            self.plain.note_alone(user, reply[8])
            take_in(snapshots[0])

        args = (user, holder.pod, holder.fence, round(lock_ttl * 1000), HISTORY, self.plain.flag, int(with_states))
        try:
            await self._redis.run(self._attach, self._keys.stream(user), *args, at_once=keep)
        finally:
            taken(False)
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
        head = (holder.pod, holder.fence, round(lock_ttl * 1000), HISTORY, self.plain.flag)
        groups = self._keys.by_shard(wanted, lambda one: one.user)
        for group in groups:
            taken = self.plain.taking([one.user for one in group])

            def convert(reply: Reply, group: Sequence[Wanted] = group, taken: Callable[[bool], None] = taken) -> None:
                taken(isinstance(reply, list))
                on_rows(group, None if isinstance(reply, Exception) else self._read_on(group, reply))

            args = [part for one in group for part in one]
            try:
                self._redis.send_script(
                    self._scripts["catch_up"], self._keys.stream(group[0].user), (*head, *args), convert
                )
            except NotifierError:
                taken(False)
                on_rows(group, None)
        return len(groups)

    def _snapshot(self, user: str, reply: list[Any]) -> Snapshot:
        owner, fresh, others, cleared, flat, pending, total, last_id, _, counts, states = reply
        entries, told = self._payloads.entries(user, flat), self._payloads.pairs(user, cleared)
        arrivals = self.plain.unseen(user, Arrivals(owner, fresh, others))
        found = [kept(*states[i : i + 4]) for i in range(0, len(states), 4)]
        numbers = counts_of(counts) if counts else None
        return Snapshot(arrivals, told, len(cleared), entries, max(0, pending), total, last_id, numbers, found)

    def _read_on(self, group: Sequence[Wanted], reply: list[Any]) -> list[ReadOn | Exception]:
        def read(user: str, row: Reply) -> ReadOn | Exception:
            if isinstance(row, Exception):
                return row
            owner, others, last_id, flat, number, alone = row
            self.plain.note_alone(user, alone)
            return ReadOn(owner, others or [], last_id, self._payloads.entries(user, flat), number >= HISTORY)

        return [read(one.user, row) for one, row in zip(group, reply, strict=True)]

    async def detach(self, holder: Holder, user: str) -> list[str]:
        """Leaves the user's route and lets the lock go; the pods that still have connections of the user."""
        self.plain.forget(user)
        others = await self._run("detach", user, user, holder.pod, holder.fence)
        return [name.decode() for name in others or ()]

    async def renew(self, holder: Holder, users: Sequence[str], lock_ttl: float) -> dict[str, str]:
        """Keeps routes and locks of these users alive; the holder of each lock."""
        head = (holder.pod, holder.fence, round(lock_ttl * 1000))
        groups = self._keys.by_shard(users, str)
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
        path = self.plain.path
        if path is None or not path.read(user, pairs, on_read):
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

    async def read_all(self, holder: Holder, user: str, up_to: str) -> AsyncIterator[MarkedRead]:
        """Marks all up to a stream id read, in parts: id, nid, … of those marked now, and the other pods."""
        begin = b"-"
        while begin is not None:
            marked, others, begin = await self._run("read_all", user, user, holder.pod, up_to, begin)
            yield MarkedRead(marked, others or [])

    async def page(self, user: str, limit: int, before: str | None, after: str | None) -> list[Entry]:
        """The newest `limit` entries, or those just before, just after, or between two ids; oldest first."""
        return self._payloads.entries(user, await self._run("page", user, user, limit, before or "", after or ""))

    def fragment(self, user: str, notification_id: bytes, payload: bytes) -> bytes | None:
        """The part of a fresh entry's payload that frames carry; None where it has expired or cannot be read."""
        return self._payloads.fragment(user, notification_id, payload)

    async def set_retention(self, user: str, days: int) -> None:
        """Sets for how many days the user wants notifications kept."""
        await self._run("retention", user, user, days)

    async def pop_cleared(self, holder: Holder, user: str) -> Gone:
        """Removes and returns the entries that expired unread and that the user was not told of.

        (id, nid, …) and the other instances; nothing unless `holder` has the lock."""
        cleared, others = await self._run("cleared", user, user, holder.pod, holder.fence)
        return Gone(self._payloads.pairs(user, cleared), others or [])

    async def told_cleared(self, user: str, length: int) -> None:
        """The user has been sent the first `length` items of the list of what was cleared."""
        await self._redis.call("LTRIM", self._keys.cleared(user), length, -1)

    async def _run(self, name: str, user: str, *args: Any, at_once: OnReply | None = None) -> Reply:
        return await self._redis.run(self._scripts[name], self._keys.stream(user), *args, at_once=at_once)
