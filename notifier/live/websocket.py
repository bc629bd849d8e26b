"""A WebSocket on a transport that the HTTP server has handed over: bounded buffers, pings, closing handshake.

It takes the place of Sanic's own because that one leaves invalid UTF-8 open, never cuts a client that stops reading,
and costs three times the CPU and memory. There is no timer per connection: `tick` is called about once a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import ClassVar, cast

from notifier.live.frames import (
    ABNORMAL,
    BINARY,
    CLOSE,
    INTERNAL_ERROR,
    NO_STATUS,
    NORMAL,
    PING,
    TEXT,
    TRY_AGAIN_LATER,
    UNSUPPORTED_DATA,
    FrameError,
    FrameReader,
    encode_close,
    encode_ping,
    encode_pong,
    encode_text,
    read_close,
)

PING_INTERVAL = 20.0
SILENCE = 20.0  # seconds that a pinged peer may say nothing
STALL = 10.0  # seconds that bytes may wait without any of them moving
HANDSHAKE = 5.0  # seconds for the peer's answer to a close frame
CUT_OFF = 2.0  # the same for a peer that does not read
LINGER = 2.0  # seconds for which a refused peer may go on sending
STANDSTILL = 5.0  # seconds between two looks at the clocks after which this process has stood still, and not its peers
FRAMES_PER_TURN = 64  # frames of one peer that are handled before the others have their turn
PONG_ROOM = 1024  # bytes that may wait while every ping still gets an answer of its own

log = logging.getLogger("notifier.live")


class WebSocket(FrameReader, asyncio.Protocol):
    """One open connection. Subclasses say what a message means: `on_text`, `on_binary`, `on_closed`."""

    __slots__ = (
        "_close_deadline",
        "_closing",
        "_later",
        "_moved",
        "_moved_at",
        "_paused",
        "_pinged_at",
        "_pong",
        "_queued",
        "_refused",
        "_rest",
        "_send_buffer",
        "_ticked",
        "_transport",
        "last_seen",
        "remote",
    )
    # Of the class: compiled, each connection would else have a staticmethod of its own, which takes 0.5 KB.
    clock: ClassVar[staticmethod[[], float]] = staticmethod(time.monotonic)

    def __init__(self, *, max_frame: int, send_buffer: int) -> None:
        """`max_frame` bounds a message from the peer, `send_buffer` what may wait for it; both in bytes."""
        super().__init__(max_frame)
        self._send_buffer = send_buffer
        self._transport: asyncio.Transport | None = None
        self._closing: tuple[int, str] | None = None
        self._close_deadline = 0.0
        self._paused = False
        self._refused = False
        self._pong: bytes | None = None
        self._rest: Iterator[tuple[int, bytes]] | None = None  # frames that wait for their turn
        self._later = b""  # what came behind them
        self._queued = 0
        self._moved = 0
        self._moved_at = 0.0
        self._pinged_at = 0.0
        self._ticked = 0.0
        self.last_seen = 0.0
        self.remote = ""

    # -- to be overridden

    def on_text(self, payload: bytes) -> None:
        """A text message came; its UTF-8 has been checked."""

    def on_binary(self, payload: bytes) -> None:
        """A binary message came."""
        self.close(UNSUPPORTED_DATA, "text frames only")

    def on_room(self) -> None:
        """Called when the send buffer has drained and there is room for more."""

    def on_closed(self, code: int, reason: str) -> None:
        """The connection is gone; called once."""

    @property
    def log_facts(self) -> dict[str, object]:
        """The fields of this connection in lines of the log."""
        return {"remote": self.remote}

    # -- what may be asked of it

    @property
    def open(self) -> bool:
        """True while messages can be sent."""
        return self._transport is not None and self._closing is None

    @property
    def buffered(self) -> int:
        """Bytes that wait for the peer to read."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def has_room(self) -> bool:
        """True while the transport takes what is sent without making it wait."""
        return not self._paused

    def attach(self, transport: asyncio.BaseTransport) -> None:
        """Takes over a transport after the 101 was written to it."""
        now = self.clock()
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._send_buffer // 4, low=self._send_buffer // 16)
        self._transport.set_protocol(self)
        self._transport.resume_reading()
        self.last_seen = self._moved_at = self._pinged_at = self._ticked = now

    def send(self, payload: bytes) -> None:
        """Sends a text message."""
        self.send_frames(encode_text(payload))

    def send_frames(self, frames: bytes) -> None:
        """Sends ready-made frames; cuts the peer off when too much waits for it."""
        transport = self._transport
        if transport is None or self._closing is not None or transport.is_closing():
            return
        self._queued += len(frames)
        transport.write(frames)
        if self._paused and transport.get_write_buffer_size() > self._send_buffer:
            self.cut_off("the client does not read")

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Begins the closing handshake; the peer has five seconds to answer."""
        self._begin_close(code, reason, HANDSHAKE)

    def cut_off(self, reason: str) -> None:
        """Closes with 1013: the peer is to come again. What waits for it is dropped soon."""
        self._begin_close(TRY_AGAIN_LATER, reason, CUT_OFF)

    def abort(self) -> None:
        """Drops the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def tick(self, now: float) -> None:
        """Looks at the clocks: pings, drops the silent, cuts off who does not read. `now` is of `clock`."""
        transport = self._transport
        if transport is None:
            return
        stood_still, self._ticked = now - self._ticked > STANDSTILL, now
        if self._closing is not None:
            if now >= self._close_deadline:
                transport.abort()
        elif stood_still:
            self._moved_at = now  # what the peer sent meanwhile has yet to be read
        else:
            self._look_after(transport, now)

    def _look_after(self, transport: asyncio.Transport, now: float) -> None:
        if now - self._pinged_at >= PING_INTERVAL:
            if self.last_seen < self._pinged_at:
                self._closing = (ABNORMAL, "the client is silent")
                transport.abort()
                return
            self._pinged_at = now
            self._write(encode_ping())
        if self._pong is not None:
            self._answer_ping(self._pong)
        self._watch_progress(now)

    # -- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        self.last_seen = self.clock()
        if self._refused:
            return
        if self._rest is not None:
            self._later += data
            return
        text = self.read_whole(data) if self._closing is None else None
        if text is not None:
            self._handle_text(text)
            return
        frames = self.read(data)
        if self._handle(frames):
            self._wait_for_turn(frames)

    def _handle_text(self, text: bytes) -> None:
        try:
            self.on_text(text)
        except Exception:
            log.exception("websocket.handler_failed", extra=self.log_facts)
            self._refuse(INTERNAL_ERROR, "internal error")

    def _handle(self, frames: Iterator[tuple[int, bytes]]) -> bool:
        """Does what the frames of one turn say; whether there may be more."""
        left = FRAMES_PER_TURN
        try:
            for opcode, payload in frames:
                if opcode == TEXT and self._closing is None:
                    self.on_text(payload)
                else:
                    self._receive(opcode, payload)
                left -= 1
                if not left:
                    return True
        except FrameError as error:
            self._refuse(error.code, error.reason)
        except Exception:
            log.exception("websocket.handler_failed", extra=self.log_facts)
            self._refuse(INTERNAL_ERROR, "internal error")
        return False

    def _wait_for_turn(self, frames: Iterator[tuple[int, bytes]]) -> None:
        # One read may bring 40,000 frames: handled in one go they would hold up every other connection for a second.
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.pause_reading()
        self._rest = frames
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        frames, transport = self._rest, self._transport
        if frames is not None and transport is not None and not transport.is_closing() and self._handle(frames):
            asyncio.get_running_loop().call_soon(self._go_on)
            return
        later, self._rest, self._later = self._later, None, b""
        if transport is not None and not transport.is_closing():
            transport.resume_reading()
            if later:
                self.data_received(later)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._pong is not None and self.open:
            self._write(encode_pong(self._pong))
        self._pong = None
        if self.open:
            self.on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        self._transport = None
        code, reason = self._closing or (ABNORMAL, "")
        self._closing = (code, reason)
        self._rest, self._later, self._pong = None, b"", None
        self.forget()
        self.on_closed(code, reason)

    # -- within

    def _receive(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self._receive_close(payload)
        elif self._closing is not None:
            return
        elif opcode == PING:
            self._answer_ping(payload)
        elif opcode == BINARY:
            self.on_binary(payload)

    def _answer_ping(self, payload: bytes) -> None:
        # A flood of pings must not fill the memory: while answers wait only the latest ping gets one more, within the
        # next second (RFC 6455 §5.5.3 allows it).
        if self.buffered > PONG_ROOM:
            self._pong = payload
        else:
            self._pong = None
            self._write(encode_pong(payload))

    def _receive_close(self, payload: bytes) -> None:
        code, reason = read_close(payload)
        if self._closing is None:
            self._closing = (code, reason)
            self._write(encode_close(NORMAL if code == NO_STATUS else code, ""))
        self._end_after_flush()

    def _begin_close(self, code: int, reason: str, patience: float) -> None:
        if self._transport is None or self._closing is not None:
            return
        self._closing = (code, reason)
        self._close_deadline = self.clock() + patience
        self._write(encode_close(code, reason))

    def _refuse(self, code: int, reason: str) -> None:
        """Fails the connection (RFC 6455 §7.1.7); what the peer still sends is dropped for a while.

        A socket closed with unread input is reset, and the reset overtakes the close frame.
        """
        self._begin_close(code, reason, LINGER)
        self._refused = True
        self.forget()
        if self._transport is not None and not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def _end_after_flush(self) -> None:
        """Closes the transport once what waits has been sent; `tick` drops it if that takes too long."""
        self._close_deadline = self._close_deadline or self.clock() + HANDSHAKE
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._queued += len(data)
            self._transport.write(data)

    def _watch_progress(self, now: float) -> None:
        if self._queued == self._moved:
            self._moved_at = now
            return
        waiting = self.buffered
        moved = self._queued - waiting
        if not waiting or moved != self._moved:
            self._moved, self._moved_at = moved, now
        elif now - self._moved_at >= STALL:
            self.cut_off("nothing moved")
