"""Sanic's HTTP protocol with what it lacks: a deadline for a whole request, and the handover of an upgraded socket."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable
from typing import Any, NoReturn, cast

from sanic import Request
from sanic.exceptions import RequestTimeout, SanicException
from sanic.http.constants import Stage
from sanic.models.server_types import ConnInfo
from sanic.server.protocols.http_protocol import HttpProtocol

from notifier.errors import ErrorCode, NotifierError
from notifier.live.frames import INTERNAL_ERROR
from notifier.live.websocket import WebSocket
from notifier.web.http.descriptors import Admission, Descriptors
from notifier.web.http.http1 import BoundedHttp
from notifier.web.http.lane import REQUEST_LINE, Express, Stream
from notifier.web.http.requests import request_id

REQUEST_DEADLINE = 15.0  # seconds for a whole request, headers and body (contract §10): slowloris
STALL = 10.0  # seconds that an answer may wait without any of it being read
LINGER = 2.0  # seconds for which a refused client may go on sending
_ACCEPT_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3

_FULL_BODY = (
    b'{"type":"about:blank","title":"Service Unavailable","status":503,'
    b'"detail":"this server has no room for another connection (open files)"}'
)
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%b" % (len(_FULL_BODY), _FULL_BODY)
)

log = logging.getLogger("notifier.web")


class HandedOver(BaseException):
    """The socket is a WebSocket's now. No `Exception`: no error handler may take it for a failure."""


class NotifierProtocol(HttpProtocol):
    """One HTTP connection. Clocks are looked at from outside, by `check_deadlines`: no timer per connection."""

    HTTP_CLASS = BoundedHttp
    __slots__ = ("_began", "_express", "_leave_at", "_stuck_at", "_unread", "_waiting", "stream")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._began = -1.0  # when the request on its way began; 0: none is; below that: none ever was
        self._express: Express | None = getattr(self.app.ctx, "express", None)
        self.stream: Stream | None = None  # what stands here while one express request follows the other
        self._unread = False
        self._leave_at = 0.0
        self._stuck_at = 0.0
        self._waiting = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        bound: Descriptors | None = getattr(self.app.ctx, "descriptors", None)
        admission = bound.admit() if bound is not None else Admission.ADMIT
        if admission is Admission.DROP:
            self._leave_at = time.monotonic()
            transport.abort()
        elif admission is Admission.TURN_AWAY:
            transport.write(_FULL)
            self.leave_unread()
            self.close()

    async def connection_task(self) -> None:
        """Serves requests until the connection ends or is handed over."""
        with contextlib.suppress(HandedOver):
            await super().connection_task()

    def check_timeouts(self) -> None:
        """Does nothing: Sanic's own timers begin anew with every byte that a slow client sends."""

    # -- requests come in

    def await_request(self) -> None:
        """The next request may come; the very first one must be there in time, so its clock runs already."""
        self._began = time.monotonic() if self._began < 0 or self.recv_buffer else 0.0

    def data_received(self, data: bytes) -> None:
        if self._leave_at:
            return
        self._began = self._began or time.monotonic()
        if (
            self._express is not None
            and data.startswith(REQUEST_LINE)
            and self._is_free()
            and self._become_stream(data)
        ):
            return
        super().data_received(data)

    def _is_free(self) -> bool:
        # What follows an answer may be the rest of that request's body, and is no request then (RFC 9112 §11.2). A
        # client that does not read its answers gets them through Sanic, which waits for it.
        http = self.http
        if self.recv_buffer or not self._can_write.is_set():
            return False
        if http is None:  # Sanic's task of the connection has not begun, or has ended
            return self._began < 0
        return http.stage is Stage.IDLE and http.keep_alive and not http.request_body

    def _become_stream(self, data: bytes) -> bool:
        """Offers the bytes to the express lane; whether it took the connection over."""
        if self.stream is None and self._express is not None:
            peer = cast(ConnInfo, self.conn_info)
            address = str(peer.client_ip or peer.client)
            self.stream = Stream(self._express, self, cast(asyncio.Transport, self.transport), address)
        return self.stream is not None and self.stream.begin(data)

    def go_back(self, data: bytes, began: float | None = None) -> None:
        """Serves a connection again that was a stream, beginning with bytes that the express lane has left."""
        if self.stream is not None and self.transport is not None:
            self._time = max(self._time, self.stream.answered_at)
            self._began = time.monotonic() if began is None else began
            self.transport.set_protocol(self)
            super().data_received(data)

    def end(self) -> None:
        """Closes a connection whose last answer has left."""
        self.close()

    # -- the connection ends

    def close_if_idle(self) -> bool:
        """Closes the connection unless a request is on its way, which is then the last one; whether it did."""
        if self.stream is not None and (self.stream.busy or self.stream.needed):
            self.stream.last = True
            return False
        http = self.http
        if http is not None and (http.stage is not Stage.IDLE or self.recv_buffer):
            http.keep_alive = False
            return False
        return super().close_if_idle()

    def leave_unread(self) -> None:
        """The connection is to end although the client may still be sending."""
        self._unread = True

    def close(self, timeout: float | None = None) -> None:
        """Closes the connection; what a refused client still sends is read and dropped for two seconds.

        A socket closed with unread input is reset, and the reset overtakes the answer (RFC 9112 §9.6).
        """
        transport = self.transport
        if not self._unread or transport is None or transport.is_closing() or not transport.can_write_eof():
            super().close(timeout)
            return
        self._unread = False
        self._leave_at = time.monotonic() + LINGER
        self.recv_buffer.clear()
        transport.write_eof()
        transport.resume_reading()

    def abort(self) -> None:
        """Aborts the connection at once.

        It keeps its transport: without one Sanic takes half a request for a whole one.
        """
        if self.transport is not None:
            self.transport.abort()

    def check_deadlines(self, now: float) -> None:
        """Closes the connection when something takes too long: a request, a handler, the reading of an answer."""
        transport, http = self.transport, self.http
        if transport is None:
            return
        if (self._leave_at and now >= self._leave_at) or self._is_stuck(transport, now):
            transport.abort()
        elif http is not None and self._task is not None:
            self._check_request(http, now)

    def _check_request(self, http: Any, now: float) -> None:
        stream = self.stream
        if stream is not None and stream.needed:
            if now - stream.began > REQUEST_DEADLINE:
                stream.give_up()
        elif stream is not None and (stream.busy or stream.answered_at > self._time):
            if not stream.busy and now - stream.answered_at > self.keep_alive_timeout:
                self.close()
        elif http.stage is Stage.REQUEST or http.request_body:
            if now - self._began > REQUEST_DEADLINE:
                http.leave_body()  # else what Sanic runs before its answer to an error would wait for the body anew
                self._interrupt(http, RequestTimeout("the whole request must arrive within 15 seconds"), now)
        elif http.stage is Stage.IDLE:
            if now - (self._began or self._time) > (REQUEST_DEADLINE if self._began else self.keep_alive_timeout):
                self.close()
        elif http.stage is Stage.HANDLER and now - max(self._time, self._began) > self.response_timeout:
            self._interrupt(
                http, NotifierError(ErrorCode.UNAVAILABLE, "the answer took too long", retry_after=1.0), now
            )

    def _interrupt(self, http: Any, reason: Exception, now: float) -> None:
        http.exception = reason
        self._began = now
        if self._task is not None:
            self._task.cancel()

    def _is_stuck(self, transport: asyncio.Transport, now: float) -> bool:
        """True where the client has read nothing of an answer for ten seconds."""
        if self._can_write.is_set():
            self._stuck_at = 0.0
            return False
        waiting = transport.get_write_buffer_size()
        if not self._stuck_at or waiting != self._waiting:
            self._stuck_at, self._waiting = now, waiting
        return now - self._stuck_at >= STALL

    # -- the socket becomes a WebSocket's

    def hand_over(self, head: bytes, websocket: WebSocket, on_taken: Callable[[], None], identity: str) -> NoReturn:
        """Writes the head of the answer and gives the socket to `websocket`; ends Sanic's task of the connection."""
        transport, leftover = cast(asyncio.Transport, self.transport), bytes(self.recv_buffer)
        peer = cast(ConnInfo, self.conn_info)
        self.connections.discard(self)
        self.recv_buffer.clear()
        transport.write(head)
        websocket.remote = peer.client_ip or peer.client
        self.transport = None  # so that the end of Sanic's task does not close it
        websocket.attach(transport)
        try:
            on_taken()
        except Exception:
            log.exception("websocket.begin_failed", extra={"request_id": identity, **websocket.log_facts})
            websocket.close(INTERNAL_ERROR, "internal error")
        if leftover:
            websocket.data_received(leftover)
        raise HandedOver


def check_upgrade(request: Request, subprotocol: str) -> str | None:
    """The subprotocol to answer with, `subprotocol` if the client offers it.

    Raises `NotifierError(bad_request)` unless the request asks for a WebSocket as RFC 6455 §4.2.1 says, and for another
    version than ours what §4.4 says.
    """
    headers = request.headers
    tokens = {token.strip().lower() for token in ",".join(headers.getall("connection", [])).split(",")}
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens:
        raise NotifierError(ErrorCode.BAD_REQUEST, "this path speaks WebSocket: ask for an upgrade")
    if request.method != "GET" or request.version != "1.1" or (request.stream and request.stream.request_body):
        raise NotifierError(ErrorCode.BAD_REQUEST, "an upgrade to WebSocket is a GET of HTTP/1.1 without a body")
    if headers.get("sec-websocket-version") != "13":
        version = {"Sec-WebSocket-Version": "13"}
        raise SanicException("only version 13 of WebSocket is spoken here", status_code=426, headers=version)
    if not _is_key(headers.get("sec-websocket-key", "")):
        raise NotifierError(ErrorCode.BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64")
    offered = {name.strip() for name in ",".join(headers.getall("sec-websocket-protocol", [])).split(",")}
    return subprotocol if subprotocol in offered else None


def take_over(
    request: Request, websocket: WebSocket, subprotocol: str | None, on_taken: Callable[[], None]
) -> NoReturn:
    """Answers a request that `check_upgrade` let through with 101 and hands its socket to `websocket`.

    `on_taken` is called then, before any frame is read. Never returns: the coroutine that called it ends by
    `HandedOver`, as Sanic's part in this connection does.
    """
    key = request.headers["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + _ACCEPT_SALT, usedforsecurity=False).digest())
    identity = request_id(request)
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    lines += [b"Sec-WebSocket-Accept: " + accept, b"X-Request-ID: " + identity.encode()]
    if subprotocol is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode())
    protocol = cast(NotifierProtocol, request.protocol)
    _part(request)
    protocol.hand_over(b"\r\n".join(lines) + b"\r\n\r\n", websocket, on_taken, identity)


def _part(request: Request) -> None:
    """Parts a request, its reader and what the reader is to call next: they hold each other, 6 KB of each WebSocket
    until the next garbage collection."""
    reader: Any = request.stream
    request.stream = reader.response_func = None


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
