"""From the streams to the connections: takes locks, hands out what is new, and keeps the pods of a user in step.

The lock's holder reads a user's stream and fans out to the user's connections here and, over the bus, on other pods.
The stream is the truth: after any gap (a dead holder, a lost bus, a restarted Redis, a lost reply) nothing is pushed to
a user before the pod has caught up from it (`cursor.py`, `catch_up.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from notifier.domain import protocol
from notifier.domain.entries import Entry
from notifier.domain.ids import stream_position
from notifier.errors import NotifierError
from notifier.live.catch_up import CatchUp, push_text
from notifier.live.connection import BEGINNING, Connection, Position, position_of
from notifier.live.events import EventFeed
from notifier.live.frames import SERVICE_RESTART, encode_text
from notifier.live.hub import Hub, Member
from notifier.store.bus import Behind, Bus, Cleared, Forward, News, Orphan
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Arrivals, Holder, Snapshot

RENEW_BATCH = 500
NEWS_BATCH = 200  # users of one script
DOUBTS_MAX = 20_000  # users about whom the store has yet to be asked; beyond it every pod reads on for all of its own
GREETINGS = 8  # inboxes read at a time: a storm of connects must not hold up what others are sent

log = logging.getLogger("notifier.live")


class Router:
    """Pushes to the connections of one pod."""

    def __init__(
        self,
        hub: Hub,
        inbox: Inbox,
        bus: Bus,
        events: EventFeed,
        holder: Holder,
        lock_ttl: float,
        on_pushed: Callable[[int, float], None],
        now: Callable[[], float],
    ) -> None:
        """`lock_ttl` in seconds; `on_pushed(frames, seconds)` is told of pushes and how long after acceptance;
        `now` is Redis' time."""
        self.hub = hub
        self.holder = holder
        self._inbox = inbox
        self._bus = bus
        self._events = events
        self._lock_ttl = lock_ttl
        self._on_pushed = on_pushed
        self._now = now  # Redis' clock, by which stream ids are made
        self._news: dict[str, None] = {}
        self._doubts: dict[str, None] = {}  # of which a reply was lost that would have said who is to be told
        self._doubts_lost = False
        self._asking = False
        self.others: Callable[[], list[str]] = list
        self.catch_up = CatchUp(hub, inbox, holder, lock_ttl, self._caught_up, self._tell_others, now)
        self._greetings = asyncio.Semaphore(GREETINGS)
        self.is_dead: Callable[[str], Awaitable[bool]] | None = None

    # -- a connection's life

    async def attach(self, connection: Connection) -> None:
        """Sends a connection of the hub its inbox as it stands, and lets live pushes follow without gap or repeat.

        Raises `NotifierError(unavailable)`.
        """
        user = connection.user_key
        self._events.emit("client.connected", client_facts(connection))
        async with self._greetings:
            member = self.hub.member(user)
            if member is None or self.hub.get(connection.id) is None:
                return  # it has gone while it waited for its turn, and its user's lock with it
            take_in = partial(self._take_in, connection, member)
            with_states = bool(connection.telling)
            snapshot = await self._inbox.attach(self.holder, user, self._lock_ttl, take_in, with_states)
        if snapshot.cleared_items:
            await self._inbox.told_cleared(user, snapshot.cleared_items)
        owner = snapshot.arrivals.owner.decode()
        if owner != self.holder.pod and self.is_dead is not None and await self.is_dead(owner):
            self.catch_up.want(user, member, owner)

    def _take_in(self, connection: Connection, member: Member, snapshot: Snapshot) -> None:
        """Before any later reply: what the group has just gone past is for the user's other connections, too."""
        first = member.seen is None
        self._note_owner(connection.user_key, member, snapshot.arrivals.owner.decode())
        self._greet(connection, snapshot)
        if first and not member.cursor.begin_at(self.catch_up.epoch):
            self.catch_up.want(connection.user_key, member)
        if not first:
            self.hand_out(connection.user_key, snapshot.arrivals)
        elif snapshot.arrivals.fresh and snapshot.arrivals.others:  # which may lack more than what is new to the group
            self._tell_others(connection.user_key, snapshot.arrivals.others)
        if first or member.owner == self.holder.pod:
            member.cursor.move(position_of(snapshot.last_id))

    def _note_owner(self, user: str, member: Member, owner: str) -> None:
        """A lock that came to this pod: its last holder may have read what it did not push."""
        before, member.owner = member.owner, owner
        if owner == self.holder.pod and owner != before and member.seen is not None:
            self.catch_up.want(user, member)

    def pushed(self, count: int) -> None:
        """Counts pushes that had waited for a connection's greeting."""
        self._on_pushed(count, -1.0)

    def detach(self, connection: Connection) -> None:
        """Forgets a connection; with the user's last one here, gives up the lock too."""
        self._events.emit("client.disconnected", client_facts(connection))
        if self.hub.remove(connection):
            task = asyncio.ensure_future(self._leave(connection.user_key))
            task.add_done_callback(partial(_log_failure, connection.user_key))

    async def _leave(self, user: str) -> None:
        for pod in await self._inbox.detach(self.holder, user):
            self._bus.post(pod, Orphan(user))

    async def leave_all(self) -> None:
        """Hands all locks over, for a pod that stops."""
        await asyncio.gather(*(self._leave(user) for user in self.hub.users), return_exceptions=True)

    def _greet(self, connection: Connection, snapshot: Snapshot) -> None:
        rows = [row for row in reversed(snapshot.entries) if row.payload is not None]
        ordered = [row for row in rows if not row.read] + [row for row in rows if row.read]
        cleared = _cleared_texts(snapshot.cleared)
        frames = [encode_text(text) for text in cleared]
        frames += [encode_text(push_text(row)) for row in ordered]
        counts = snapshot.counts
        if counts is not None and "states" in connection.telling:
            frames += [encode_text(protocol.state(entry, counts.rev)) for entry in snapshot.states if entry.beyond_read]
        numbers = counts if "counts" in connection.telling else None
        connection.rev = numbers.rev if numbers is not None else 0
        frames.append(encode_text(protocol.sync_complete(snapshot.pending, snapshot.total, numbers)))
        count = len(cleared) + len(ordered)
        connection.greet(frames, count, position_of(snapshot.last_id))
        self._on_pushed(count, -1.0)

    # -- what is new

    def announce(self, user: str, arrivals: Arrivals, own: bytes | None = None, accepted_at: float = -1.0) -> None:
        """Brings what an acceptance found new to the user's connections, wherever they are.

        `own` is the fragment of the notification just accepted, `accepted_at` its monotonic time.
        """
        owner = arrivals.owner.decode()
        if owner == self.holder.pod:
            if arrivals.fresh:
                self.hand_out(user, arrivals, own, accepted_at)
            else:  # an earlier try, or another hand on the group, was handed what was accepted
                self.claim(user)
        elif owner:
            self._bus.post(owner, News([user]))
        else:
            for pod in arrivals.others or ():
                self._post_or_claim(pod.decode(), user)

    def _post_or_claim(self, pod: str, user: str) -> None:
        if pod == self.holder.pod:
            self.claim(user)
        else:
            self._bus.post(pod, Orphan(user))

    def hand_out(self, user: str, arrivals: Arrivals, own: bytes | None = None, accepted_at: float = -1.0) -> None:
        """Pushes the fresh entries to the user's connections here and on the other pods."""
        fresh = arrivals.fresh
        if not fresh:
            return
        member = self.hub.member(user)
        if member is None or member.cursor.epoch != self.catch_up.epoch or member.owner != self.holder.pod:
            self._put_off(user, member, arrivals)
            return
        cursor, before = member.cursor, member.cursor.at
        forwarded: list[tuple[str, bytes]] = []
        for index in range(0, len(fresh), 3):
            stream_id, notification_id, payload = fresh[index : index + 3]
            if type(stream_id) is not bytes or type(notification_id) is not bytes:
                continue
            position = position_of(stream_id)
            if type(payload) is int:
                if position <= cursor.at:
                    continue
                self.catch_up.want(user, member)
                break
            fragment = self._inbox.fragment(user, notification_id, payload) if type(payload) is bytes else own
            if fragment is None:
                continue  # expired already
            if position <= cursor.at:
                cursor.suspect(position)
                self.catch_up.want(user, member)
                break
            cursor.at = position
            text = protocol.push(notification_id, stream_id, fragment, False)
            self._push(user, position, notification_id, text, accepted_at if payload is None else -1.0)
            forwarded.append((stream_id.decode(), text))
        if forwarded and arrivals.others:
            self.forward(user, arrivals.others, forwarded, before)

    def may_push(self, member: Member, position: Position) -> bool:
        """True where an entry that nobody else can have been given may be pushed: it is the next one of its user."""
        cursor = member.cursor
        current = cursor.epoch == self.catch_up.epoch and member.owner == self.holder.pod
        return current and position > cursor.at

    def _put_off(self, user: str, member: Member | None, arrivals: Arrivals) -> None:
        """Leaves fresh entries to the stream: something before them may be missing."""
        if member is not None:
            member.owner = self.holder.pod
            self.catch_up.want(user, member)
        if arrivals.others:
            self._tell_others(user, arrivals.others)

    def _tell_others(self, user: str, pods: Sequence[bytes]) -> None:
        for pod in pods:
            self._bus.post(pod.decode(), Behind([user]))

    def forward(
        self, user: str, pods: Sequence[bytes], messages: list[tuple[str, bytes]], before: Position = BEGINNING
    ) -> None:
        """Sends frames to the user's connections on other pods; `before` is what was handed out before them."""
        self._post_all(pods, Forward(user, messages, "{}-{}".format(*before)))

    def _post_all(self, pods: Sequence[bytes], message: Forward) -> None:
        for pod in pods:
            self._bus.post(pod.decode(), message)

    def tell(
        self,
        user: str,
        pods: Sequence[bytes],
        texts: list[bytes],
        changed: Sequence[tuple[bytes, bytes]] = (),
        to: str = "",
    ) -> None:
        """Sends texts that are no stream entries to the user's connections, on whichever pod: all, or those of `to`
        (`Hub.tell`). `changed` are pairs of stream and notification id that took another state."""
        self.hub.tell(user, texts, to)
        self.hub.note_change(user, changed)
        if pods and (texts or changed):
            messages = [("", text) for text in texts]
            self._post_all(pods, Forward(user, messages, changed=list(changed), to=to))

    def note_change(self, user: str, pods: Sequence[bytes]) -> None:
        """Something changed in an inbox that no frame tells: its counts are told to those who asked, on any pod."""
        self.hub.note_change(user, ())
        own = self.holder.pod.encode()
        self._post_all([pod for pod in pods if pod != own], Forward(user, []))

    def _push(self, user: str, position: Position, notification_id: bytes, text: bytes, accepted_at: float) -> None:
        pushed = self.hub.push(user, position, text)
        if pushed:
            seconds = time.monotonic() - accepted_at if accepted_at >= 0 else self._now() - position[0] / 1000
            self._on_pushed(pushed, seconds)
            if self._events.wanted:
                self._events.emit_for("notification.pushed", user, notification_id, "{}-{}".format(*position))

    def _caught_up(self, user: str, entries: Sequence[Entry], frames: int, seconds: float) -> None:
        self._on_pushed(frames, seconds)
        if self._events.wanted:
            for row in entries:
                self._events.emit_for("notification.pushed", user, row.notification_id, row.stream_id)

    # -- what the bus says

    def news(self, users: Sequence[str]) -> None:
        """Reads what is new for users whose lock this pod holds, all in one round trip."""
        if not self._asking:
            self._asking = True
            asyncio.get_running_loop().call_soon(self._read_news)
        self._news.update(dict.fromkeys(users))

    def doubt(self, users: Sequence[str]) -> None:
        """Something may have been stored for these users of which nobody was told: whoever has connections of theirs
        is to read on, now or when the store is back."""
        for user in users:
            member = self.hub.member(user)
            if member is not None:
                self.catch_up.want(user, member)
        self._keep_doubts(users)
        self.news(())

    def _read_news(self) -> None:
        self._asking = False
        if not self._bus.reaches_store:  # `recover` comes back to it
            self._keep_doubts(self._news)
            return
        news, self._news = self._news, {}
        doubts, self._doubts = self._doubts, {}
        if self._doubts_lost:
            self._doubts_lost = False
            for pod in self.others():
                self._bus.post(pod, Behind([], everyone=True))
        users = list(news | doubts)
        for start in range(0, len(users), NEWS_BATCH):
            self._ask_for_news(users[start : start + NEWS_BATCH], doubts)

    def _ask_for_news(self, users: Sequence[str], doubts: dict[str, None]) -> None:
        def on_rows(users: Sequence[str], rows: list[Arrivals] | None) -> None:
            if rows is None:  # asked again when the store is back; who has connections here is caught up with then
                self._keep_doubts(users)
                return
            for user, arrivals in zip(users, rows, strict=True):
                self._on_news(user, arrivals, user in doubts)

        try:
            self._inbox.arrivals(self.holder, users, on_rows)
        except NotifierError as error:
            log.warning("news.not_read", extra={"users": len(users), "error": error.message})
            self._keep_doubts(users)

    def _keep_doubts(self, users: Iterable[str]) -> None:
        for user in users:
            if len(self._doubts) < DOUBTS_MAX:
                self._doubts[user] = None
            else:
                self._doubts_lost = True

    def _on_news(self, user: str, arrivals: Arrivals, in_doubt: bool) -> None:
        owner = arrivals.owner.decode()
        if arrivals.fresh or (in_doubt and owner != self.holder.pod):
            self.announce(user, arrivals)
        member = self.hub.member(user)
        if member is not None:
            self._note_owner(user, member, owner)

    def forwarded(self, message: Forward) -> None:
        """Frames for this pod's connections of a user, from the lock's holder."""
        member = self.hub.member(message.user)
        if member is None:
            return
        behind = member.cursor.epoch != self.catch_up.epoch or stream_position(message.before) > member.cursor.at
        for stream_id, text in message.messages:
            if not stream_id:
                self.hub.tell(message.user, [text], message.to)
            elif not behind:
                position = stream_position(stream_id)
                member.cursor.move(position)
                self._push(message.user, position, protocol.pushed_id(text), text, -1.0)
        if behind and any(stream_id for stream_id, _ in message.messages):
            self.catch_up.want(message.user, member)
        self.hub.note_change(message.user, message.changed)

    def behind(self, message: Behind) -> None:
        """Users of whom this pod may have been told nothing: reads on in their streams."""
        if message.everyone:
            self.catch_up.want_all()
        for user in message.users:
            self.claim(user)

    def claim(self, user: str, dead: str = "") -> None:
        """Reads on for a user with connections here; takes the lock when it is free or `dead` held it."""
        member = self.hub.member(user)
        if member is not None:
            self.catch_up.want(user, member, dead)

    async def tell_cleared(self, user: str, owner: str) -> None:
        """Pushes what expired unread: from here where this instance holds the lock, else the holder is asked to."""
        if owner != self.holder.pod:
            if owner:
                self._bus.post(owner, Cleared(user))
            return
        cleared, others = await self._inbox.pop_cleared(self.holder, user)
        self.tell(user, others, _cleared_texts(cleared))

    # -- keeping what is held

    async def renew(self) -> None:
        """Keeps the routes and locks of all users here alive, and notices who holds the others."""
        users = self.hub.users
        for start in range(0, len(users), RENEW_BATCH):
            batch = users[start : start + RENEW_BATCH]
            owners = await self._inbox.renew(self.holder, batch, self._lock_ttl)
            for user, owner in owners.items():
                member = self.hub.member(user)
                if member is not None:
                    self._note_owner(user, member, owner)
            if own := self._inbox.plain.shared(user for user, owner in owners.items() if owner == self.holder.pod):
                self.news(own)

    def break_off(self) -> None:
        """Replies of the store were lost: nothing is pushed to anybody until the pod has caught up."""
        self.catch_up.break_off()

    def recover(self) -> None:
        """After a gap: holds again what it held, catches up for every user here, and says what it could not."""
        self.catch_up.want_all()
        self._bus.post_again()
        self.news(())

    def start_anew(self) -> None:
        """The store's data are others: closes every connection with 1012, so that its client syncs again."""
        for user in self.hub.users:
            member = self.hub.member(user)
            if member is not None:
                member.cursor.begin_anew()
        self.hub.close_all(SERVICE_RESTART, "the store began anew: sync again")

    def take_over(self, pods: set[str]) -> None:
        """Takes over the users here whose lock a dead pod holds."""
        for user in self.hub.users:
            member = self.hub.member(user)
            if member is not None and member.owner in pods:
                self.catch_up.want(user, member, member.owner)
        if self._doubts:
            self.news(())

    def follow_restart(self, pod: str) -> None:
        """Reads on for the users here for whom a pod may have read before its bus broke; it keeps its locks."""
        for user in self.hub.users:
            member = self.hub.member(user)
            if member is not None and member.owner == pod:
                self.catch_up.want(user, member)


def client_facts(connection: Connection) -> dict[str, object]:
    """The fields that events carry of a connection."""
    user = connection.user
    return {"connection_id": connection.id, "user_id": user.id, "login": user.login, "remote": connection.remote}


def _cleared_texts(cleared: Sequence[bytes]) -> list[bytes]:
    return [protocol.push_cleared(cleared[i + 1], cleared[i]) for i in range(0, len(cleared), 2)]


def _log_failure(user: str, task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        if isinstance(error, NotifierError):
            log.warning("router.store_failed", extra={"user_id": user, "error": error.message})
        else:
            log.error("router.failed", extra={"user_id": user}, exc_info=error)
