"""Followers: connections in other programs' protocols, which get the frames of an inbox as documents and not as ours.

To the hub they are connections like any other: locks, catching up, and forwards from other pods work as for these. The
inbox of a greeting is left out: whoever follows reads the history up to where it stood, and what is later comes live.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from notifier.domain.protocol import is_cleared
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.live.connection import BEGINNING, NEVER, Connection, Endpoint, Position
from notifier.live.frames import INTERNAL_ERROR, TRY_AGAIN_LATER, encode_text, read_texts
from notifier.live.websocket import WebSocket

BEAT = b'{"type":"beat","data":{}}'  # a document of its own: the time of a sign of life has come

Document = dict[str, Any]
Translate = Callable[[Document], Iterable[bytes]]

_decode = msgspec.json.decode

log = logging.getLogger("notifier.live")


class Follower(Connection, ABC):
    """A connection whose frames are handed to `deliver`, from `go_live` on; those before it wait."""

    def __init__(
        self, user: User, endpoint: Endpoint, *, now: float, max_frame: int, send_buffer: int, beat: float = NEVER
    ) -> None:
        """`beat`: the seconds between two documents of the type `beat`."""
        super().__init__(user, endpoint, now=now, max_frame=max_frame, send_buffer=send_buffer)
        self.telling = frozenset(("states",))
        self._begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._start: Position = BEGINNING
        self._early: deque[bytes] | None = deque()
        self._early_size = 0
        self._beat = beat
        self._beat_at = NEVER

    # -- for the protocol

    async def begun(self) -> Position:
        """The position at which the inbox stood when this began: what is later comes live, and that alone.

        Raises `NotifierError(unavailable)` where the inbox could not be read.
        """
        if not await asyncio.shield(self._begun):
            raise NotifierError(ErrorCode.UNAVAILABLE, "the inbox could not be opened", retry_after=1.0)
        return self._start

    def go_live(self) -> None:
        """Hands out what came since, and from here on what comes."""
        early, self._early = self._early or (), None
        for text in early:
            self.deliver(text)
        self._beat_at = self.clock() + self._beat

    @abstractmethod
    def deliver(self, text: bytes) -> None:
        """A document came."""

    # -- in a connection's place

    def greet(self, frames: Sequence[bytes], count: int, seen: Position) -> None:
        self._start = seen
        super().greet([frame for frame in frames if is_cleared(frame)], 0, seen)
        self._settle(True)

    def send_frames(self, frames: bytes) -> None:
        for text in read_texts(frames):
            if not self.open:
                return
            if self._early is None:
                self.deliver(text)
            else:
                self._hold_back(text)

    def tick(self, now: float) -> None:
        super().tick(now)
        if now >= self._beat_at and self.open:
            self._beat_at = now + self._beat
            self.deliver(BEAT)

    def on_text(self, payload: bytes) -> None:
        """Other protocols say nothing over an open stream."""

    def on_closed(self, code: int, reason: str) -> None:
        self._settle(False)
        super().on_closed(code, reason)

    def _hold_back(self, text: bytes) -> None:
        if self._early is not None:
            self._early.append(text)
            self._early_size += len(text)
            if self._early_size > self._send_buffer:
                self.cut_off("the client is too slow for its history")

    def _settle(self, begun: bool) -> None:
        if not self._begun.done():
            self._begun.set_result(begun)


class StreamFollower(Follower):
    """An HTTP answer without an end, whose handler takes the documents; one that is not read is cut."""

    def __init__(
        self,
        user: User,
        endpoint: Endpoint,
        *,
        now: float,
        max_frame: int,
        send_buffer: int,
        beat: float = NEVER,
        cut: Callable[[], None],
    ) -> None:
        """`cut` drops the connection under the answer."""
        super().__init__(user, endpoint, now=now, max_frame=max_frame, send_buffer=send_buffer, beat=beat)
        self._cut = cut
        self._documents: deque[bytes] = deque()
        self._untaken = 0
        self._arrived = asyncio.Event()
        self.last_seen = self.clock()

    async def take(self) -> list[Document]:
        """The documents since the last call, of which there is one at least; none once the stream has ended."""
        await self._arrived.wait()
        documents = [_decode(text) for text in self._documents]
        self._documents.clear()
        self._untaken = 0
        self.last_seen = self.clock()
        if self.open:
            self._arrived.clear()
            self.on_room()
        return documents

    def leave(self) -> None:
        """The answer has ended: called once, by its handler."""
        code, reason = self._closing or (0, "")
        self._closing = (code, reason)
        self.on_closed(code, reason)

    def deliver(self, text: bytes) -> None:
        self._documents.append(text)
        self._untaken += len(text)
        self._arrived.set()
        if self._untaken > self._send_buffer:
            self.cut_off("the client does not read")

    @property
    def open(self) -> bool:
        return self._closing is None

    @property
    def buffered(self) -> int:
        return self._untaken

    @property
    def has_room(self) -> bool:
        return self._untaken < self._send_buffer // 4

    def abort(self) -> None:
        self._cut()

    def _begin_close(self, code: int, reason: str, patience: float) -> None:
        if self._closing is None:
            self._closing = (code, reason)
            self._settle(False)
            self._arrived.set()
            if code == TRY_AGAIN_LATER and self.greeted:
                self._cut()


class SocketFollower(Follower):
    """A WebSocket that speaks another protocol; it ends without a close frame, after which clients of these protocols
    come again, as after a failure (ntfy-android, WsConnection.kt: `onFailure` does, `onClosed` does not)."""

    def __init__(
        self,
        user: User,
        endpoint: Endpoint,
        *,
        now: float,
        max_frame: int,
        send_buffer: int,
        beat: float = NEVER,
        translate: Translate,
    ) -> None:
        """`translate` answers the texts that a document becomes."""
        super().__init__(user, endpoint, now=now, max_frame=max_frame, send_buffer=send_buffer, beat=beat)
        self._translate = translate
        self._room = asyncio.Event()
        self._room.set()

    async def say(self, text: bytes) -> None:
        """Sends a text of the other protocol once there is room for it."""
        await self._room.wait()
        WebSocket.send_frames(self, encode_text(text))

    def deliver(self, text: bytes) -> None:
        try:
            translated = [encode_text(text) for text in self._translate(_decode(text))]
        except Exception:  # whoever pushes to all connections of a user is not to fail for one
            log.exception("websocket.handler_failed", extra=self.log_facts)
            self.close(INTERNAL_ERROR, "internal error")
            return
        WebSocket.send_frames(self, b"".join(translated))

    def pause_writing(self) -> None:
        self._room.clear()
        super().pause_writing()

    def on_room(self) -> None:
        self._room.set()
        super().on_room()

    def on_closed(self, code: int, reason: str) -> None:
        self._room.set()
        super().on_closed(code, reason)

    def _begin_close(self, code: int, reason: str, patience: float) -> None:
        if self._transport is not None and self._closing is None:
            self._closing = (code, reason)
            self._close_deadline = self.clock() + patience
            self._settle(False)
            self._transport.close()
