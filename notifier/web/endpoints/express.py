"""The express lane: a complete, plain `POST /api/v1/notify` is taken straight from the connection's bytes.

Sanic's way through a request costs more CPU than storing and pushing it. Only what is exactly of the usual form goes
here: any header that is not on the list, any part that is missing, leaves the request to Sanic. What is done with it is
`NotifyReceiver`'s either way, and the tests of the route run over both.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from notifier.domain.access import ANYBODY
from notifier.domain.ids import serial_id
from notifier.errors import ErrorCode, NotifierError
from notifier.live.lean import LeanPath
from notifier.service.publish import Answer
from notifier.web.endpoints.notify import NotifyReceiver, headers_of
from notifier.web.http.errors import PROBLEM_JSON, log_failure, problem_bytes
from notifier.web.http.framing import is_host
from notifier.web.http.lane import HELD_MAX, REQUEST_LINE, Lane
from notifier.web.http.origin import Origins
from notifier.web.http.requests import sane_request_id
from notifier.web.http.slow import SLOW, SlowRequests

HEAD_MAX = 4096
_HEAD_START = len(REQUEST_LINE)
HEADS_MAX = 512
ROUTE = "/api/v1/notify"

_LINE = re.compile(rb"([A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)").fullmatch
_PLAIN = frozenset(("host", "user-agent", "accept", "accept-encoding", "accept-language", "cache-control", "pragma"))
_READ = frozenset(("content-type", "content-length", "connection"))
_KEYS = frozenset(("idempotency-key", "x-idempotency-key"))
_OWN = _KEYS | {"x-request-id"}
_REASONS = {202: b"Accepted", 400: b"Bad Request", 415: b"Unsupported Media Type", 422: b"Unprocessable Entity"}
_REASONS |= {409: b"Conflict", 429: b"Too Many Requests", 500: b"Internal Server Error", 503: b"Service Unavailable"}

_HEAD = (
    b"HTTP/1.1 %d %b\r\nX-Request-ID: %b\r\nVary: Origin\r\n%b"
    b"content-length: %d\r\nconnection: keep-alive\r\ncontent-type: %b\r\n\r\n"
)

_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nX-Request-ID: %b\r\nVary: Origin\r\n"
    b"content-length: %d\r\nconnection: keep-alive\r\ncontent-type: application/json\r\n\r\n%b"
)

OnRequest = Callable[[str, str, int, float], None]


class Head(NamedTuple):
    """The part of a request's head that is read: headers by lower-case name, and the length of the body. `plain` is one
    with a body of JSON and without an idempotency key."""

    headers: dict[str, str]
    length: int
    plain: bool


class Express:
    """Takes requests to `/api/v1/notify` from the bytes of a connection."""

    def __init__(
        self,
        receiver: NotifyReceiver,
        origins: Origins,
        max_body: int,
        on_request: OnRequest,
        on_came: Callable[[str, str], None],
        lean: LeanPath | None = None,
    ) -> None:
        """`max_body` in bytes; `on_request(route, method, status, seconds)` is told of every request, `on_came` of the
        caller and the address of each that comes."""
        self._on_came = on_came
        self._receiver = receiver
        self._origins = origins
        self._max_body = max_body
        self._on_request = on_request
        self._slow = SlowRequests()
        self._lean = lean
        self._heads: dict[bytes, Head | None] = {}

    def take(self, lane: Lane, data: bytes) -> int:
        """Takes the request at the beginning of `data`; the bytes it was, 0 when it is left to Sanic, minus its bytes
        where the rest of its body is yet to come.

        The answer goes to `lane`, at once or later.
        """
        end = data.find(b"\r\n\r\n", len(REQUEST_LINE) - 2, HEAD_MAX)
        if end < 0:
            return 0
        lines = data[_HEAD_START:end]
        head = self._heads.get(lines, _UNKNOWN)
        if head is _UNKNOWN:
            head = self._new_head(lines)
        if head is None or head.length > self._max_body:
            return 0
        after = end + 4 + head.length
        if after > len(data):
            return -after if head.length <= HELD_MAX else 0
        self._on_came(ANYBODY.name, lane.address)
        begun = time.perf_counter()
        identity = sane_request_id(head.headers["x-request-id"]) if "x-request-id" in head.headers else serial_id()
        request = Request(self, lane, identity, begun)
        body = data[end + 4 : after]
        if self._lean is not None and head.plain and self._lean.take(body, request):
            return after
        try:
            self._receiver.submit(ANYBODY.identity, head.headers, body, request.answered)
        except NotifierError as error:
            request.answered(error)
        return after

    def _new_head(self, lines: bytes) -> Head | None:
        head = read_head(lines)
        if head is not None and not self._origins.serves(head.headers.get("host")):
            head = None
        if head is None or _OWN.isdisjoint(head.headers):  # those with ids of their own come once
            if len(self._heads) >= HEADS_MAX:
                self._heads.clear()
            self._heads[lines] = head
        return head

    def accept(self, lane: Lane, identity: str, begun: float, body: bytes) -> None:
        """Answers a request whose notifications are stored."""
        lane.answer(_ACCEPTED % (identity.encode(), len(body), body))
        seconds = time.perf_counter() - begun
        self._on_request(ROUTE, "POST", 202, seconds)
        if seconds > SLOW:
            self._slow.look(ROUTE, "POST", 202, seconds, identity)

    def reply(self, lane: Lane, identity: str, begun: float, outcome: Answer | NotifierError) -> None:
        """Answers a request with what came of it."""
        if isinstance(outcome, NotifierError):
            if outcome.code is ErrorCode.INTERNAL:
                log_failure(outcome.__cause__ or outcome, identity, "POST", ROUTE)
            status, headers, body = problem_bytes(outcome, identity)
            extra, kind = _lines(headers), PROBLEM_JSON.encode()
        else:
            status, body, kind = 202, outcome.body, b"application/json"
            extra = _lines(headers_of(outcome)) if outcome.replayed or outcome.quota else b""
        head = (status, _REASONS.get(status, b"Error"), identity.encode(), extra, len(body), kind)
        lane.answer(_HEAD % head + body)
        seconds = time.perf_counter() - begun
        self._on_request(ROUTE, "POST", status, seconds)
        self._slow.look(ROUTE, "POST", status, seconds, identity)


class Request:
    """A request that waits for its answer."""

    __slots__ = ("_begun", "_express", "_identity", "_lane")

    def __init__(self, express: Express, lane: Lane, identity: str, begun: float) -> None:
        self._express = express
        self._lane = lane
        self._identity = identity
        self._begun = begun

    def stored(self, body: bytes) -> None:
        """All is stored, and this the answer."""
        self._express.accept(self._lane, self._identity, self._begun, body)

    def answered(self, outcome: Answer | NotifierError) -> None:
        """The answer, or the error."""
        self._express.reply(self._lane, self._identity, self._begun, outcome)


def _lines(headers: Mapping[str, str]) -> bytes:
    return b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in headers.items())


_UNKNOWN = Head({}, -1, False)


def read_head(lines: bytes) -> Head | None:
    """The head in header lines (without the request line) when it is plain, else None.

    Plain is: every line `name: value` of printable ASCII, every name on the list and there once, a host, a length in
    digits, and a connection that is to be kept. Whatever two parsers could disagree on (RFC 9112 §6) is Sanic's.
    """
    headers: dict[str, str] = {}
    for line in lines.split(b"\r\n"):
        match = _LINE(line)
        if match is None:
            return None
        name = match[1].decode().lower()
        if name in headers or not (name in _PLAIN or name in _READ or name in _OWN):
            return None
        headers[name] = match[2].decode()
    length = headers.get("content-length", "")
    if not is_host(headers.get("host", "")):
        return None
    if not (length.isdecimal() and len(length) < 10) or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    plain = headers.get("content-type") == "application/json" and headers.keys().isdisjoint(_KEYS)
    return Head(headers, int(length), plain)
