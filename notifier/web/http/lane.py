"""The protocol's side of the express lane: the requests that may take it, and the connection that brings only such.

A request taken from Sanic's own parser costs more than storing and pushing what it brings. So the express lane is asked
first, and a connection whose request it took is a `Stream` from then on: it offers each read to the lane, and goes back
to Sanic with the first that the lane leaves. A client may send head and body one by one (http.client of Python does):
the stream then waits for the rest of a body that fits into `HELD_MAX`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

REQUEST_LINE = b"POST /api/v1/notify HTTP/1.1\r\n"
HELD_MAX = 65_536  # bytes behind a request on its way, from which on no more is read


class Lane(Protocol):
    """The connection that a request came on."""

    @property
    def address(self) -> str:
        """The client's IP address; empty for a socket without one."""

    def answer(self, data: bytes) -> None:
        """Sends an answer, then goes on with what came behind the request."""


class Express(Protocol):
    """The endpoint that takes requests from the connection's bytes; see `endpoints/express.py`."""

    def take(self, lane: Lane, data: bytes) -> int:
        """Takes the request at the beginning of `data`; the bytes it was, 0 when it is left to Sanic. Minus the bytes
        that it will be where the rest of its body is yet to come."""


class Ordinary(Protocol):
    """The protocol that serves the connection when it is no stream: `NotifierProtocol`."""

    def go_back(self, data: bytes, began: float | None = None) -> None:
        """Takes the connection back, with bytes that have been read; `began` is when their request did, if not now."""

    def end(self) -> None:
        """Closes the connection."""

    def connection_lost(self, exc: Exception | None) -> None: ...
    def eof_received(self) -> bool | None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class Stream(asyncio.Protocol):
    """A connection that brings one express request after the other.

    `busy` while one waits for its answer; `needed` are the bytes of one whose body is yet to come, 0 where none is, and
    `began` is when its head came; `answered_at` is when the last answer left: monotonic times. `last` says that the
    connection is to end with the answer to the request on its way.
    """

    __slots__ = (
        "_express",
        "_later",
        "_ordinary",
        "_part",
        "_paused",
        "_transport",
        "address",
        "answered_at",
        "began",
        "busy",
        "last",
        "needed",
    )

    def __init__(self, express: Express, ordinary: Ordinary, transport: asyncio.Transport, address: str) -> None:
        self._express = express
        self._ordinary = ordinary
        self._transport = transport
        self._later = b""
        self._part = bytearray()
        self._paused = False
        self.needed = 0
        self.began = 0.0
        self.address = address
        self.answered_at = 0.0
        self.busy = False
        self.last = False

    def begin(self, data: bytes) -> bool:
        """Takes the connection over if the express lane takes the request at the beginning of `data`; whether so."""
        self.busy = True
        taken = self._express.take(self, data)
        if not taken:
            self.busy = False
            return False
        self._transport.set_protocol(self)
        if taken < 0:
            self._await_rest(data, -taken)
        elif taken < len(data):
            self._go_on_with(data[taken:])
        return True

    def data_received(self, data: bytes) -> None:
        if self.busy:
            self._hold(data)
        elif self.needed:
            self._part += data
            if len(self._part) >= self.needed:
                self._offer(self._take_part())
        else:
            self._offer(data)

    def _offer(self, data: bytes) -> None:
        if self._paused or not data.startswith(REQUEST_LINE):
            self._go_back(data)
        else:
            self.busy = True
            taken = self._express.take(self, data)
            if taken == len(data):
                return
            if taken < 0:
                self._await_rest(data, -taken)
            elif taken:
                self._go_on_with(data[taken:])
            else:
                self.busy = False
                self._go_back(data)

    def _await_rest(self, data: bytes, needed: int) -> None:
        self.busy = False
        self.began, self.needed = time.monotonic(), needed
        self._part += data

    def _take_part(self) -> bytes:
        part, self._part, self.needed = bytes(self._part), bytearray(), 0
        return part

    def give_up(self) -> None:
        """Leaves a request to Sanic whose body has not come in time, or will not come."""
        self._ordinary.go_back(self._take_part(), self.began)

    def _go_on_with(self, rest: bytes) -> None:
        if self.busy:
            self._hold(rest)
        else:  # answered at once
            self.data_received(rest)

    def _hold(self, data: bytes) -> None:
        # Answers leave in the order of their requests (RFC 9112 §9.3.2): what came behind waits, within bounds.
        self._later += data
        if len(self._later) > HELD_MAX:
            self._transport.pause_reading()

    def answer(self, data: bytes) -> None:
        """Sends the answer to the request on its way, then goes on with what came behind it."""
        self.busy = False
        transport = self._transport
        if transport.is_closing():
            return
        self.answered_at = time.monotonic()
        transport.write(data)
        if self.last:
            self._ordinary.end()
        elif self._later:
            self.busy = True  # until its turn, so that what comes before that queues behind it
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        later, self._later, self.busy = self._later, b"", False
        if not self._transport.is_closing():
            self._transport.resume_reading()
            self.data_received(later)

    def _go_back(self, data: bytes) -> None:
        self._ordinary.go_back(data)

    # -- what the transport says

    def connection_lost(self, exc: Exception | None) -> None:
        self._later = b""
        self._take_part()
        self._ordinary.connection_lost(exc)

    def eof_received(self) -> bool | None:
        if self.needed:
            self.give_up()
        return self._ordinary.eof_received()

    def pause_writing(self) -> None:
        self._paused = True
        self._ordinary.pause_writing()

    def resume_writing(self) -> None:
        self._paused = False
        self._ordinary.resume_writing()
