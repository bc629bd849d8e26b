"""Sanic's HTTP protocol with what it lacks: a deadline for a whole request, and the handover of an upgraded socket."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import time
from collections.abc import Callable
from typing import Any, NoReturn, cast

from sanic import Request
from sanic.exceptions import RequestTimeout
from sanic.http.constants import Stage
from sanic.models.server_types import ConnInfo
from sanic.server.protocols.http_protocol import HttpProtocol

from notifier.errors import ErrorCode, NotifierError
from notifier.live.websocket import WebSocket
from notifier.web.express import REQUEST_LINE, Express

REQUEST_DEADLINE = 15.0  # seconds for a whole request, headers and body (contract §10): slowloris
_ACCEPT_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class NotifierProtocol(HttpProtocol):
    """One HTTP connection. Clocks are looked at from outside, by `check_deadlines`: no timer per connection."""

    __slots__ = ("_began", "_express", "_later")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._began = 0.0
        self._express: Express | None = getattr(self.app.ctx, "express", None)
        self._later: bytes | None = None  # what came while an express request waits for its answer

    def check_timeouts(self) -> None:
        """Does nothing: Sanic's own timers begin anew with every byte that a slow client sends."""

    def data_received(self, data: bytes) -> None:
        if self._later is not None:
            self._hold(data)
            return
        http = self.http
        if not self.recv_buffer and (http is None or http.stage is Stage.IDLE):
            self._began = self._time = time.monotonic()
            if self._express is not None and data.startswith(REQUEST_LINE):
                data = self._take_express(self._express, data)
        if data:
            super().data_received(data)

    def _take_express(self, express: Express, data: bytes) -> bytes:
        """Lets the express lane have the request if it can; what is left for Sanic."""
        self._later = b""
        taken = express.take(self, data)
        if taken == 0:
            self._later = None
            return data
        if self._later is None:  # answered at once
            return data[taken:]
        self._hold(data[taken:])
        return b""

    def _hold(self, data: bytes) -> None:
        # Answers leave in the order of their requests (RFC 9112 §9.3.2): what came behind waits, within bounds.
        self._later = (self._later or b"") + data
        if len(self._later) > self.app.config.REQUEST_BUFFER_SIZE and self.transport is not None:
            self.transport.pause_reading()

    def answer(self, data: bytes) -> None:
        """Sends the answer to an express request, then goes on with what came behind it."""
        later, self._later = self._later, None
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(data)
        if later:
            self.transport.resume_reading()
            self.loop.call_soon(self.data_received, later)

    def close_if_idle(self) -> bool:
        """Closes the connection unless a request is on its way; whether it did."""
        return False if self._later is not None else super().close_if_idle()

    def check_deadlines(self, now: float) -> None:
        """Ends the connection when a request takes too long to arrive, or no new one comes."""
        http = self.http
        if http is None or self._task is None:
            return
        if http.stage is Stage.IDLE:
            if now - self._time > self.keep_alive_timeout:
                self.close()
        elif self._arriving(http) and now - self._began > REQUEST_DEADLINE:
            http.exception = RequestTimeout("the whole request must arrive within 15 seconds")
            self._began = now
            self._task.cancel()

    def hand_over(self, head: bytes, websocket: WebSocket, on_taken: Callable[[], None]) -> NoReturn:
        """Writes the head of the answer and gives the socket to `websocket`; ends Sanic's task of the connection."""
        transport, leftover = cast(asyncio.Transport, self.transport), bytes(self.recv_buffer)
        peer = cast(ConnInfo, self.conn_info)
        self.connections.discard(self)
        self.recv_buffer.clear()
        transport.write(head)
        websocket.remote = peer.client_ip or peer.client
        # Without a transport Sanic's loop ends here and closes nothing.
        self.transport = None
        websocket.attach(transport)
        on_taken()
        if leftover:
            websocket.data_received(leftover)
        raise asyncio.CancelledError

    @staticmethod
    def _arriving(http: Any) -> bool:
        return http.stage is Stage.REQUEST or (http.stage is Stage.HANDLER and bool(http.request_body))


def check_upgrade(request: Request, subprotocol: str) -> str | None:
    """The subprotocol to answer with, `subprotocol` if the client offers it.

    Raises `NotifierError(bad_request)` unless the request asks for a WebSocket as RFC 6455 §4.2.1 says.
    """
    headers = request.headers
    tokens = {token.strip().lower() for token in ",".join(headers.getall("connection", [])).split(",")}
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens:
        raise NotifierError(ErrorCode.BAD_REQUEST, "this path speaks WebSocket: ask for an upgrade")
    if headers.get("sec-websocket-version") != "13":
        raise NotifierError(ErrorCode.BAD_REQUEST, "only version 13 of WebSocket is spoken here")
    if not _is_key(headers.get("sec-websocket-key", "")):
        raise NotifierError(ErrorCode.BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64")
    offered = {name.strip() for name in ",".join(headers.getall("sec-websocket-protocol", [])).split(",")}
    return subprotocol if subprotocol in offered else None


def take_over(
    request: Request, websocket: WebSocket, subprotocol: str | None, on_taken: Callable[[], None]
) -> NoReturn:
    """Answers a checked request with 101 and hands its socket to `websocket`; `on_taken` is called then.

    Never returns: the coroutine that called it ends, as Sanic's part in this connection does.
    """
    key = request.headers["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + _ACCEPT_SALT, usedforsecurity=False).digest())
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    lines.append(b"Sec-WebSocket-Accept: " + accept)
    if subprotocol is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode())
    protocol = cast(NotifierProtocol, request.protocol)
    protocol.hand_over(b"\r\n".join(lines) + b"\r\n\r\n", websocket, on_taken)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
