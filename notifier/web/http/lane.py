"""The protocol's side of the express lane: the requests that may take it, and the two that meet there."""

from __future__ import annotations

from typing import Protocol

REQUEST_LINE = b"POST /api/v1/notify HTTP/1.1\r\n"


class Lane(Protocol):
    """The connection that a request came on."""

    @property
    def address(self) -> str:
        """The client's IP address."""

    def answer(self, data: bytes) -> None:
        """Sends an answer, then goes on with what came behind the request."""


class Express(Protocol):
    """The endpoint that takes requests from the connection's bytes; see `endpoints/express.py`."""

    def take(self, lane: Lane, data: bytes) -> int:
        """Takes the request at the beginning of `data`; the bytes it was, 0 when it is left to Sanic."""
