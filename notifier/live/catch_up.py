"""Catching up: reads on in the streams of users that are behind, in bounded pipelined batches, news first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from notifier.domain import protocol
from notifier.domain.entries import Entry
from notifier.domain.notifications import fragment_of
from notifier.live.connection import BEGINNING, position_of
from notifier.live.frames import SERVICE_RESTART, encode_text
from notifier.live.hub import Hub, Member
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Holder, ReadOn, Wanted

BATCH = 16  # users of one script: it holds up everybody, and each may have a page of 100
IN_FLIGHT = 8  # batches without a reply: 10,000 users take a second, and what is accepted meanwhile goes between them
AGAIN = 0.2  # seconds after which a store that refused is asked again; after a break it is asked at once

log = logging.getLogger("notifier.live")


class CatchUp:
    """The users of one pod that are behind. `epoch` grows with every break."""

    def __init__(
        self,
        hub: Hub,
        inbox: Inbox,
        holder: Holder,
        lock_ttl: float,
        on_pushed: Callable[[str, Sequence[Entry], int, float], None],
        tell_others: Callable[[str, Sequence[bytes]], None],
        clock: Callable[[], float],
    ) -> None:
        """`lock_ttl` in seconds; `on_pushed(user, entries, frames, seconds)` is told of pushes,
        `tell_others(user, pods)` of users about whom other pods may have been told nothing; `clock` is Redis' time."""
        self.epoch = 0
        self._hub = hub
        self._inbox = inbox
        self._holder = holder
        self._lock_ttl = lock_ttl
        self._on_pushed = on_pushed
        self._tell_others = tell_others
        self._clock = clock
        self._first: dict[str, str] = {}  # user -> pod known to be dead; these have news
        self._then: dict[str, str] = {}
        self._in_flight = 0
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None

    def break_off(self) -> None:
        """Marks every user as behind: replies were lost."""
        self.epoch += 1

    def want(self, user: str, member: Member, dead: str = "") -> None:
        """Marks a user as behind, and reads on for them before others."""
        member.cursor.fall_behind()
        waiting = self._then.pop(user, "")
        dead = dead or waiting
        if dead or not member.cursor.reading:  # else the reply that is on its way leads to the next question
            self._first[user] = dead or self._first.get(user, "")
            self._soon()

    def want_all(self) -> None:
        """Marks every user as behind, and reads on for all."""
        self.break_off()
        for user in self._hub.users:
            if user not in self._first:
                self._then.setdefault(user, "")
        self._now()

    # -- asking

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._ask)

    def _now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_soon(self._ask)

    def _ask(self) -> None:
        self._timer = None
        # Until there is nothing more, or a batch could not leave and waits for the timer.
        while self._timer is None and self._in_flight < IN_FLIGHT and (batch := self._next_batch()):
            self._ask_for(batch)

    def _next_batch(self) -> dict[str, tuple[Member, Wanted]]:
        batch: dict[str, tuple[Member, Wanted]] = {}
        for waiting in (self._first, self._then):
            while waiting and len(batch) < BATCH:
                user = next(iter(waiting))
                dead = waiting.pop(user)
                member = self._hub.member(user)
                if member is not None and member.seen is not None:  # else it gets the inbox as it stands
                    batch[user] = (member, Wanted(user, _after(member), dead))
        return batch

    def _ask_for(self, batch: dict[str, tuple[Member, Wanted]]) -> None:
        epoch = self.epoch

        def on_rows(wanted: Sequence[Wanted], found: list[ReadOn | Exception] | None) -> None:
            self._in_flight -= 1
            if found is None:
                self._put_back(batch, wanted)
                return
            for one, row in zip(wanted, found, strict=True):
                self._take(one, batch[one.user][0], row, epoch)
            self._soon()

        for member, _ in batch.values():
            member.cursor.begin_reading()
        self._in_flight += len(batch)  # a cluster makes several scripts of one batch
        asked = self._inbox.read_on(self._holder, [one for _, one in batch.values()], self._lock_ttl, on_rows)
        self._in_flight -= len(batch) - asked

    def _put_back(self, batch: dict[str, tuple[Member, Wanted]], wanted: Sequence[Wanted]) -> None:
        for one in wanted:
            batch[one.user][0].cursor.reading = False
            if one.user not in self._first:
                self._then[one.user] = one.dead or self._then.get(one.user, "")
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(AGAIN, self._ask)

    # -- what was found

    def _take(self, wanted: Wanted, member: Member, found: ReadOn | Exception, epoch: int) -> None:
        user, cursor = wanted.user, member.cursor
        cursor.reading = False
        if self._hub.member(user) is not member:
            return
        if isinstance(found, Exception):
            log.warning("catch_up.failed", extra={"user_id": user, "error": str(found)[:200]})
            cursor.epoch = epoch
            return
        member.owner = found.owner.decode()
        if found.last_id and position_of(found.last_id) < position_of(wanted.after.encode()):
            self._begin_anew(user, member)
        else:
            cursor.anew = None
            self._push(user, member, found.entries)
        if found.others and member.owner == self._holder.pod and (found.entries or cursor.missed):
            self._tell_others(user, found.others)
        if cursor.missed or found.more:
            self.want(user, member)
        else:
            cursor.epoch = epoch
            if member.owner == self._holder.pod and found.last_id:
                cursor.move(position_of(found.last_id))

    def _begin_anew(self, user: str, member: Member) -> None:
        """A stream whose last id is before what was handed out is another one: somebody deleted it."""
        start = member.cursor.begin_anew()
        log.warning("stream.began_anew", extra={"user_id": user})
        for connection in tuple(member.connections):
            if start is None:  # nobody knows what of it they have had
                connection.close(SERVICE_RESTART, "the inbox began anew: sync again")
            elif connection.placed:
                connection.seen = start
        member.cursor.missed = start is not None

    def _push(self, user: str, member: Member, entries: Sequence[Entry]) -> None:
        rows = [(position_of(row.stream_id), encode_text(push_text(row)), row) for row in entries if row.payload]
        if not rows:
            return
        frames = [(position, frame) for position, frame, _ in rows]
        pushed = sum(connection.catch_up(frames) for connection in tuple(member.connections))
        self._hub.note_change(user, ())
        member.cursor.move(rows[-1][0])
        if pushed:
            self._on_pushed(user, [row for *_, row in rows], pushed, max(0.0, self._clock() - rows[0][0][0] / 1000))


def push_text(row: Entry) -> bytes:
    """The text of a push of an entry."""
    return protocol.push(row.notification_id, row.stream_id, fragment_of(row.payload or b""), row.read)


def _after(member: Member) -> str:
    return "{}-{}".format(*(member.seen or BEGINNING))
