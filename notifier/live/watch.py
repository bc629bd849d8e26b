"""States and counts for the connections that asked for them: read from the store after a change, at most every 50 ms.

A change is only a hint here. What is told is what the store holds a moment later, with its revision, so that whatever
was lost or came twice on the way leads to the same numbers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from notifier.domain import protocol
from notifier.domain.states import Counts, Kept
from notifier.errors import NotifierError
from notifier.live.frames import encode_text
from notifier.live.hub import Hub
from notifier.store.inbox_states import PAIRS_AT_A_TIME, InboxStates

PAUSE = 0.05  # seconds between two looks at one user's inbox
AGAIN = 1.0  # seconds after which a store that was away is asked again
USERS_AT_A_TIME = 64

Pair = tuple[bytes, bytes]

log = logging.getLogger("notifier.live")


class Watch:
    """The users of one instance some connection of whom is told of states or counts."""

    def __init__(self, hub: Hub, states: InboxStates) -> None:
        self._hub = hub
        self._states = states
        self._changed: dict[str, dict[Pair, None]] = {}
        self._resting: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def note(self, user: str, pairs: Sequence[Pair]) -> None:
        """An inbox changed; the states of `pairs` (stream id, notification id) did."""
        self._changed.setdefault(user, {}).update(dict.fromkeys(pairs))
        if user not in self._resting:
            self._begin()

    def note_all(self) -> None:
        """Any inbox may have changed: replies were lost."""
        for user in self._hub.users:
            self._hub.note_change(user, ())

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        try:
            while batch := self._next_batch():
                self._rest(list(batch))
                await self._look(batch)
        finally:
            self._task = None

    def _next_batch(self) -> dict[str, list[Pair]]:
        batch: dict[str, list[Pair]] = {}
        for user in [user for user in self._changed if user not in self._resting][:USERS_AT_A_TIME]:
            pairs = list(self._changed.pop(user))
            batch[user], left = pairs[:PAIRS_AT_A_TIME], pairs[PAIRS_AT_A_TIME:]
            if left:
                self._changed[user] = dict.fromkeys(left)
        return batch

    def _rest(self, users: Sequence[str], seconds: float = PAUSE) -> None:
        self._resting.update(users)
        asyncio.get_running_loop().call_later(seconds, self._go_on, users)

    def _go_on(self, users: Sequence[str]) -> None:
        self._resting.difference_update(users)
        if not self._changed.keys().isdisjoint(users):
            self._begin()

    async def _look(self, batch: dict[str, list[Pair]]) -> None:
        try:
            found = await self._states.look(batch)
        except NotifierError as error:
            log.warning("states.not_read", extra={"users": len(batch), "error": error.message})
            for user, pairs in batch.items():
                self._changed.setdefault(user, {}).update(dict.fromkeys(pairs))
            self._rest(list(batch), AGAIN)
            return
        for user, (counts, states) in found.items():
            self._tell(user, counts, states)

    def _tell(self, user: str, counts: Counts, states: Sequence[Kept]) -> None:
        member = self._hub.member(user)
        if member is None:
            return
        told = b"".join(encode_text(protocol.state(entry, counts.rev)) for entry in states)
        numbers = encode_text(protocol.inbox_counts(counts))
        for connection in tuple(member.connections):
            if told and "states" in connection.telling:
                connection.tell(told)
            if "counts" in connection.telling and counts.rev > connection.rev:
                connection.rev = counts.rev
                connection.tell(numbers)
