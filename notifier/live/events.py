"""Events for those who follow them: bounded per listener, free of cost while nobody does."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from notifier.domain.times import format_time
from notifier.domain.users import parse_user_key

LISTENER_BUFFER = 1_000
REMEMBERED_MAX = 200  # notable events that wait for the store; older ones go
FLUSH_AFTER = 0.05  # seconds over which events are gathered before they go to the other pods
GATHERED_MAX = 2_000

_encode = msgspec.json.Encoder().encode


class Listener:
    """One follower: events as (type, JSON) pairs; when it is slow the oldest go, and it is told how many."""

    def __init__(self, types: frozenset[str]) -> None:
        self._types = types
        self._events: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()
        self.missed = 0
        self.ended = False

    def offer(self, kind: str, data: bytes) -> None:
        """Takes an event if it is of a type wanted."""
        if self._types and kind not in self._types:
            return
        if len(self._events) >= LISTENER_BUFFER:
            self._events.popleft()
            self.missed += 1
        self._events.append((kind, data))
        self._arrived.set()

    def end(self) -> None:
        """Nothing more will come: the server stops."""
        self.ended = True
        self._arrived.set()

    async def take(self, timeout: float) -> list[tuple[str, bytes]]:
        """The events since the last call; waits for at most `timeout` seconds and may then be empty."""
        if not self._events and not self.ended:
            self._arrived.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        events, self._events = list(self._events), deque()
        return events


class EventFeed:
    """The events of this pod, and through `receive` those of the others."""

    def __init__(
        self,
        pod: str,
        publish: Callable[[Sequence[bytes]], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        """`publish` takes this pod's events to the others; it is called only while another pod has asked."""
        self._pod = pod
        self._publish = publish
        self._notable: deque[bytes] = deque(maxlen=REMEMBERED_MAX)
        self._now = now
        self._listeners: set[Listener] = set()
        self._wanted_until = 0.0
        self._gathered: list[bytes] = []

    @property
    def wanted(self) -> bool:
        """True while anybody follows, here or on another instance."""
        return bool(self._listeners) or (self._wanted_until > 0 and self._wanted_until > time.monotonic())

    @property
    def listeners(self) -> int:
        """Followers on this pod."""
        return len(self._listeners)

    def listen(self, types: frozenset[str]) -> Listener:
        """A new follower of these types (none: of all)."""
        listener = Listener(types)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """The follower goes."""
        self._listeners.discard(listener)

    def end_all(self) -> None:
        """Sends all followers home: an open stream would hold up the drain for as long as it may take."""
        for listener in self._listeners:
            listener.end()

    def want(self, seconds: float) -> None:
        """Another pod has followers, for the next seconds."""
        self._wanted_until = max(self._wanted_until, time.monotonic() + seconds)

    def emit_for(
        self, kind: str, user: str, notification_id: bytes | str, stream_id: bytes | str, **more: object
    ) -> None:
        """An event of a notification of a user."""
        if not self.wanted:
            return
        who = parse_user_key(user)
        facts: dict[str, object] = {"user_id": who.id, "login": who.login} if who else {}
        facts["notification_id"] = _text(notification_id)
        facts["stream_id"] = _text(stream_id)
        self.emit(kind, facts | more)

    def emit(self, kind: str, facts: Mapping[str, object]) -> None:
        """An event of this pod."""
        if self.wanted:
            self._tell(kind, self._encoded(kind, facts))

    def note(self, kind: str, facts: Mapping[str, object], ago: float = 0.0) -> None:
        """A notable event of this pod, some seconds `ago`: told as any other, and kept for a day for those who come
        later."""
        data = self._encoded(kind, facts, ago)
        self._notable.append(data)
        if self.wanted:
            self._tell(kind, data)

    @property
    def notable(self) -> Sequence[bytes]:
        """Notable events of this pod that are not kept yet."""
        return tuple(self._notable)

    def take_notable(self) -> list[bytes]:
        """The notable events since the last call, which the caller keeps."""
        taken = list(self._notable)
        self._notable.clear()
        return taken

    def put_back(self, notable: Sequence[bytes]) -> None:
        """Takes notable events back that could not be kept: the oldest make room for newer ones."""
        room = REMEMBERED_MAX - len(self._notable)
        if room:
            self._notable.extendleft(reversed(notable[-room:]))

    def _encoded(self, kind: str, facts: Mapping[str, object], ago: float = 0.0) -> bytes:
        return _encode({"type": kind, "time": format_time(self._now() - ago), "pod_id": self._pod, **facts})

    def _tell(self, kind: str, data: bytes) -> None:
        self._offer(kind, data)
        if self._wanted_until > time.monotonic() and len(self._gathered) < GATHERED_MAX:
            if not self._gathered:
                asyncio.get_running_loop().call_later(FLUSH_AFTER, self._flush)
            self._gathered.append(data)

    def receive(self, events: Sequence[bytes]) -> None:
        """Events of another pod."""
        for data in events:
            self._offer(kind_of(data), data)

    def _offer(self, kind: str, data: bytes) -> None:
        for listener in self._listeners:
            listener.offer(kind, data)

    def _flush(self) -> None:
        events, self._gathered = self._gathered, []
        asyncio.ensure_future(self._publish(events)).add_done_callback(_retrieve)


class _Kind(msgspec.Struct):
    type: str


def kind_of(data: bytes) -> str:
    """The type of an encoded event."""
    return msgspec.json.decode(data, type=_Kind).type


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _retrieve(task: asyncio.Future[None]) -> None:
    # Events are for looking on: while the store is away they are lost, and nothing waits for them.
    if not task.cancelled():
        task.exception()
