"""The acceptance of notifications: payload, stream entry and idempotency record in one script per user's slot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from notifier.errors import NotifierError
from notifier.store.inbox_plain import PlainSeat, nothing
from notifier.store.inbox_values import Accepted, Announce, Arrivals, Holder, InboxPolicy, Item, Remembered
from notifier.store.redis.client import Redis, as_error
from notifier.store.redis.gather import Gatherer, Head
from notifier.store.redis.link import Reply


class Acceptance:
    """Stores notifications in the inboxes of one store."""

    def __init__(self, redis: Redis, policy: InboxPolicy, plain: PlainSeat) -> None:
        self._redis = redis
        self._keys = redis.keys
        self._policy = policy
        self._plain = plain
        self._script = redis.script("inbox/accept")
        self._calls = Gatherer(redis, self._script)

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
        groups = self._keys.by_shard(items, lambda item: item.user.key)
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
        plain = self._plain.path
        if remembered is None and plain is not None and plain.submit(items, announce, on_accepted):
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
        taken: Callable[[bool], None] = nothing

        def leaving() -> None:
            nonlocal taken
            taken = self._plain.taking([item.user.key for item in items])

        def convert(reply: Reply) -> None:
            accepted = self._accepted(reply, holder, items) if isinstance(reply, list) else as_error(reply)
            taken(isinstance(reply, list))
            if isinstance(accepted, Accepted):
                announce(items, accepted)
            on_accepted(accepted)

        head, args = self._accept_head(holder), _accept_args(items, remembered)
        self._calls.add(items[0].user.key, head, args, convert, leaving if self._plain.path is not None else None)

    def _accepted(self, reply: list[Any], holder: Holder, items: Sequence[Item]) -> Accepted:
        accepted = _accepted(reply, holder, items)
        for place, (item, arrivals) in enumerate(zip(items, accepted.arrivals, strict=False)):
            accepted.arrivals[place] = self._plain.unseen(item.user.key, arrivals)
        return accepted

    async def _accept(
        self, holder: Holder, items: Sequence[Item], remembered: Remembered | None, announce: Announce | None
    ) -> Accepted:
        taken = self._plain.taking([item.user.key for item in items])

        def hand_out(reply: Reply) -> None:
            accepted = self._accepted(reply[0], holder, items) if isinstance(reply[0], list) else None
            taken(accepted is not None)
            if announce is not None and accepted is not None:
                announce(items, accepted)

        args, key = _accept_args(items, remembered), self._keys.stream(items[0].user.key)
        head = partial(self._accept_head, holder)
        try:
            (reply,) = await self._redis.run_again(self._script, key, *args, head=head, at_once=hand_out)
        finally:
            taken(False)
        if isinstance(reply, list):
            return _accepted(reply, holder, items)
        raise as_error(reply)

    def _accept_head(self, holder: Holder) -> Head:
        policy = self._policy
        return holder.pod, holder.fence, policy.default_ttl_ms, policy.maxlen, policy.cap


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
