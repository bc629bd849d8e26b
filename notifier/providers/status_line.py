"""A connection of aiohttp's on which a status line counts as an answer, whatever comes behind it.

aiohttp parses a segment as a whole: an answer whose headers or body break a rule is lost together with its status where
both came at once (a body behind `204`, a chunk's size that is none), and a send that was taken would be made again.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDict, CIMultiDictProxy

MAX_HEAD = 16 * 1024  # bytes that are kept of what came before the answer was understood
HEAD_TIMEOUT = 2.0  # seconds from the status line to the end of the headers
_INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")  # RFC 9110 §15.2
_STATUS = re.compile(rb"HTTP/1\.([01]) ([2-5]\d\d)(?: [^\n]*)?\r?\n")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\r\n]*?)[ \t]*\r?\n")


class StatusFirst(ResponseHandler):
    """Makes an answer of the status line and the headers that can be read, where aiohttp makes an error of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._head = b""
        self._answered = True
        self._late: asyncio.TimerHandle | None = None

    def set_response_params(self, **params: Any) -> None:
        self._head, self._answered = b"", False
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not self._answered:
            self._head += data[: MAX_HEAD - len(self._head)]
        super().data_received(data)
        if not self._answered and self._late is None:
            self._late = self._loop.call_later(HEAD_TIMEOUT, self._give_up_headers)

    def feed_data(self, data: tuple[RawResponseMessage, Any], size: int = 0) -> None:
        self._answered = not 100 <= data[0].code < 200 or data[0].code == HTTPStatus.SWITCHING_PROTOCOLS
        if self._answered:
            self._head = b""
            self._stop_timer()
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        message = None if self._answered else read_head(self._head)
        if message is not None:
            self.feed_data((message, EMPTY_PAYLOAD))
        super().set_exception(exc, *cause)

    def close(self) -> None:
        self._stop_timer()
        super().close()

    def abort(self) -> None:
        self._stop_timer()
        super().abort()

    def _give_up_headers(self) -> None:
        self._late = None
        if not self._answered and read_head(self._head) is not None:
            self.set_exception(aiohttp.ServerTimeoutError("headers without an end"))
            if self.transport is not None:
                self.transport.close()

    def _stop_timer(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def read_head(head: bytes) -> RawResponseMessage | None:
    """The answer that a head begins, with the headers of it that are whole; None before its status line is."""
    while interim := _INTERIM.match(head):
        head = head[interim.end() :]
    status = _STATUS.match(head)
    if status is None:
        return None
    fields = re.split(rb"\n\r?\n", head[status.end() :], maxsplit=1)[0] + b"\n"
    raw = tuple((found[1], found[2]) for line in fields.splitlines(keepends=True) if (found := _HEADER.fullmatch(line)))
    headers = CIMultiDict((name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in raw)
    version = aiohttp.HttpVersion(1, int(status[1]))
    return RawResponseMessage(version, int(status[2]), "", CIMultiDictProxy(headers), raw, True, None, False, False)
