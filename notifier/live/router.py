"""From the streams to the connections: takes locks, hands out what is new, and keeps the pods of a user in step.

The lock's holder reads a user's stream and fans out to the user's connections here and, over the bus, on other pods.
The stream is the truth: after any gap (a dead holder, a lost bus, a restarted Redis) the pod catches up from it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from notifier.domain import protocol
from notifier.domain.entries import Entry
from notifier.domain.notifications import fragment_of
from notifier.errors import NotifierError
from notifier.live.connection import Connection, position_of
from notifier.live.events import EventFeed
from notifier.live.frames import encode_text
from notifier.live.hub import Hub
from notifier.store.bus import Bus, Cleared, Forward, News, Orphan
from notifier.store.inbox import HISTORY, Delivery, Holder, Inbox, Snapshot

RENEW_BATCH = 500
GREETINGS = 8  # inboxes read at a time: a storm of connects must not hold up what others are sent

log = logging.getLogger("notifier.live")


class Router:
    """The deliveries of one pod."""

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
            snapshot = await self._read_inbox(user)
        member.owner = snapshot.delivery.owner.decode()
        self._greet(connection, snapshot)
        self.hand_out(user, snapshot.delivery)
        if snapshot.cleared_items:
            await self._inbox.told_cleared(user, snapshot.cleared_items)

    async def _read_inbox(self, user: str) -> Snapshot:
        snapshot = await self._inbox.attach(self.holder, user, self._lock_ttl)
        owner = snapshot.delivery.owner.decode()
        if owner != self.holder.pod and self.is_dead is not None and await self.is_dead(owner):
            snapshot = await self._inbox.attach(self.holder, user, self._lock_ttl, dead=owner)
        return snapshot

    def pushed(self, count: int) -> None:
        """Counts pushes that had waited for a connection's greeting."""
        self._on_pushed(count, -1.0)

    def detach(self, connection: Connection) -> None:
        """Lets a connection go; with the user's last one here, the lock too."""
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
        frames += [encode_text(_push_text(row)) for row in ordered]
        frames.append(encode_text(protocol.sync_complete(snapshot.pending, snapshot.total)))
        count = len(cleared) + len(ordered)
        connection.greet(frames, count, position_of(snapshot.last_id))
        self._on_pushed(count, -1.0)

    # -- what is new

    def announce(self, user: str, delivery: Delivery, own: bytes | None = None, accepted_at: float = -1.0) -> None:
        """Brings what an acceptance found new to the user's connections, wherever they are.

        `own` is the fragment of the notification just accepted, `accepted_at` its monotonic time.
        """
        owner = delivery.owner.decode()
        if owner == self.holder.pod:
            self.hand_out(user, delivery, own, accepted_at)
        elif owner:
            self._bus.post(owner, News([user]))
        else:
            for pod in delivery.others or ():
                self._post_or_claim(pod.decode(), user)

    def _post_or_claim(self, pod: str, user: str) -> None:
        if pod == self.holder.pod:
            asyncio.ensure_future(self.claim(user)).add_done_callback(partial(_log_failure, user))
        else:
            self._bus.post(pod, Orphan(user))

    def hand_out(self, user: str, delivery: Delivery, own: bytes | None = None, accepted_at: float = -1.0) -> None:
        """Pushes the fresh entries of a delivery to the user's connections here and on the other pods."""
        fresh = delivery.fresh
        forwarded: list[tuple[str, bytes]] = []
        for index in range(0, len(fresh), 3):
            stream_id, notification_id, payload = fresh[index : index + 3]
            if stream_id is None or notification_id is None:
                continue
            fragment = own if payload is None else self._inbox.fragment(user, notification_id, payload)
            if fragment is None:
                continue  # expired already
            text = protocol.push(notification_id, stream_id, fragment, False)
            self._push(user, stream_id, notification_id, text, accepted_at if payload is None else -1.0)
            forwarded.append((stream_id.decode(), text))
        if forwarded and delivery.others:
            self.forward(user, delivery.others, forwarded)

    def forward(self, user: str, pods: Sequence[bytes], messages: list[tuple[str, bytes]]) -> None:
        """Sends frames to the user's connections on other pods."""
        for pod in pods:
            self._bus.post(pod.decode(), Forward(user, messages))

    def tell(self, user: str, pods: Sequence[bytes], texts: list[bytes]) -> None:
        """Sends texts that are no stream entries to every connection of the user, on whichever pod."""
        self.hub.tell(user, texts)
        if pods and texts:
            self.forward(user, pods, [("", text) for text in texts])

    def _push(self, user: str, stream_id: bytes, notification_id: bytes, text: bytes, accepted_at: float) -> None:
        pushed = self.hub.push(user, position_of(stream_id), text)
        if pushed:
            seconds = (
                time.monotonic() - accepted_at
                if accepted_at >= 0
                else self._now() - int(stream_id.split(b"-")[0]) / 1000
            )
            self._on_pushed(pushed, seconds)
            if self._events.wanted:
                self._events.emit_for("notification.pushed", user, notification_id, stream_id)

    # -- what the bus says

    def news(self, users: Sequence[str]) -> None:
        """Reads what is new for users whose lock this pod holds, all in one round trip."""
        if not self._news:
            asyncio.get_running_loop().call_soon(self._read_news)
        self._news.update(dict.fromkeys(users))

    def _read_news(self) -> None:
        users, self._news = list(self._news), {}

        def on_rows(users: Sequence[str], deliveries: list[Delivery] | None) -> None:
            for user, delivery in zip(users, deliveries or (), strict=False):
                self.announce(user, delivery) if delivery.fresh else self._forgo(user, delivery.owner.decode())

        try:
            self._inbox.deliver(self.holder, users, on_rows)
        except NotifierError as error:  # the streams keep it: the pod catches up once the store is back
            log.warning("news.not_read", extra={"users": len(users), "error": error.message})

    def _forgo(self, user: str, owner: str) -> None:
        member = self.hub.member(user)
        if member is not None:
            member.owner = owner

    def forwarded(self, message: Forward) -> None:
        """Frames for this pod's connections of a user, from the lock's holder."""
        for stream_id, text in message.messages:
            if stream_id:
                self._push(message.user, stream_id.encode(), protocol.pushed_id(text), text, -1.0)
            else:
                self.hub.tell(message.user, [text])

    async def claim(self, user: str, dead: str = "") -> None:
        """Takes the lock of a user with connections here when it is free (or `dead` held it), and catches up."""
        member = self.hub.member(user)
        if member is None:
            return
        delivery = await self._inbox.claim(self.holder, user, self._lock_ttl, dead)
        member.owner = delivery.owner.decode()
        await self.catch_up(user)
        self.hand_out(user, delivery)

    async def catch_up(self, user: str) -> None:
        """Sends each connection of the user what it has not had, whoever ought to have pushed it."""
        member = self.hub.member(user)
        if member is None or not any(connection.greeted for connection in member.connections):
            return
        after = "{}-{}".format(*member.seen)
        for row in await self._inbox.page(user, HISTORY, None, after):
            if row.payload is not None:
                self._push(user, row.stream_id, row.notification_id, _push_text(row), -1.0)

    async def tell_cleared(self, user: str, owner: str) -> None:
        """Tells a user what expired unread: here where this pod holds the lock, else the holder is asked to."""
        if owner != self.holder.pod:
            if owner:
                self._bus.post(owner, Cleared(user))
            return
        cleared, others = await self._inbox.take_cleared(self.holder, user)
        self.tell(user, others, _cleared_texts(cleared))

    # -- keeping what is held

    async def renew(self) -> None:
        """Keeps the routes and locks of all users here alive, and notices who holds the others."""
        users = self.hub.users
        for start in range(0, len(users), RENEW_BATCH):
            batch = users[start : start + RENEW_BATCH]
            for user, owner in (await self._inbox.renew(self.holder, batch, self._lock_ttl)).items():
                self._forgo(user, owner)

    async def recover(self) -> None:
        """After a gap: holds again what it held, and catches up for every user here."""
        await self.renew()
        for user in self.hub.users:
            await self.claim(user)

    async def bury(self, pods: set[str]) -> None:
        """Takes over the users here whose lock a dead pod holds."""
        for user in self.hub.users:
            member = self.hub.member(user)
            if member is not None and member.owner in pods:
                await self.claim(user, dead=member.owner)

    async def follow_restart(self, pod: str) -> None:
        """Sends the users here what a pod may have read for them before it died; its successor inherits its locks."""
        for user in self.hub.users:
            member = self.hub.member(user)
            if member is not None and member.owner == pod:
                await self.catch_up(user)


def client_facts(connection: Connection) -> dict[str, object]:
    """What events say of a connection."""
    user = connection.user
    return {"connection_id": connection.id, "user_id": user.id, "login": user.login, "remote": connection.remote}


def _push_text(row: Entry) -> bytes:
    return protocol.push(row.notification_id, row.stream_id, fragment_of(row.payload or b""), row.read)


def _cleared_texts(cleared: Sequence[bytes]) -> list[bytes]:
    return [protocol.push_cleared(cleared[i + 1], cleared[i]) for i in range(0, len(cleared), 2)]


def _log_failure(user: str, task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        if isinstance(error, NotifierError):
            log.warning("router.store_failed", extra={"user_id": user, "error": error.message})
        else:
            log.error("router.failed", extra={"user_id": user}, exc_info=error)
