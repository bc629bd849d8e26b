"""The framing of requests by RFC 9112: whatever two readers of one connection could take in two ways is refused.

A head that is not exactly of the grammar ends in 400 and the connection with it: where the next request begins is known
no longer, and behind a proxy the rest could be answered to somebody else (request smuggling, §11.2).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sanic.exceptions import BadRequest, ExpectationFailed, PayloadTooLarge, SanicException

CHUNK_LINE_MAX = 1024  # bytes of a line with the size of a chunk and its extensions
EXTRAS_MAX = 16 * 1024  # bytes of all chunk extensions, and of all trailers, of one body
LENGTH_DIGITS_MAX = 18  # of a Content-Length: far beyond any bound on bodies

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
_VERSION = re.compile(r"HTTP/([0-9])\.([0-9])").fullmatch
_TARGET = re.compile(r"[\x21-\x7e]+").fullmatch
_ABSOLUTE = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE).fullmatch
_HOST = re.compile(r"(?:[A-Za-z0-9._~\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?").fullmatch
_DIGITS = re.compile(r"[0-9]+").fullmatch
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})((?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?)\r\n").fullmatch
_BARE_LF = re.compile(rb"(?<!\r)\n").search


class Head(NamedTuple):
    """A request's head. Names of fields are lower case; `length` is that of the body, None when it comes in chunks.

    `has_body` is false where neither a length nor chunks are announced; `version` is `1.0` or `1.1`.
    """

    method: str
    target: str
    version: str
    fields: list[tuple[str, str]]
    has_body: bool
    length: int | None
    keep_alive: bool
    expects: bool


def ends_line_by_itself(data: bytes | bytearray, start: int) -> bool:
    """True where a line behind `start` ends with a bare LF: a head with one is bad before it is whole."""
    return _BARE_LF(data, start) is not None


def is_host(text: str) -> bool:
    """True for a valid `Host`: a name or an address, with a port or without. An empty one names no http URI
    (RFC 9110 §4.2.1)."""
    return _HOST(text) is not None


def read_head(data: bytes) -> Head:
    """The head in the bytes before the empty line.

    Raises `BadRequest`, `PayloadTooLarge`, `ExpectationFailed`, or `SanicException` (505).
    """
    request_line, *lines = data.decode(errors="surrogateescape").split("\r\n")
    method, target, version = _request_line(request_line)
    fields = [_field(line) for line in lines]
    target, authority = _origin_form(method, target)
    _check_host(fields, version)
    if authority is not None:  # it counts, not the Host beside it (§3.2.2)
        fields = [("host", authority), *(field for field in fields if field[0] != "host")]
    has_body, length = _body(fields, version)
    keep_alive, expects = _keeps_alive(fields, version), _expects(fields, version)
    return Head(method, target, version, fields, has_body, length, keep_alive, expects and has_body and length != 0)


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not _TOKEN(parts[0]) or not _TARGET(parts[1]):
        raise BadRequest("the request line is malformed")
    version = _VERSION(parts[2])
    if version is None:
        raise BadRequest("the request line is malformed")
    if version[1] != "1":
        raise SanicException("only HTTP/1.1 is spoken here", status_code=505)
    return parts[0], parts[1], "1.0" if version[2] == "0" else "1.1"  # a later 1.x is read as ours (RFC 9110 §2.5)


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN(name) or _CONTROL(value):
        raise BadRequest("a header line is malformed")
    return name.lower(), value.strip(" \t")


def _origin_form(method: str, target: str) -> tuple[str, str | None]:
    """The path and query of a target, and the authority that an absolute one names (§3.2)."""
    if target.startswith("/"):
        return target, None
    absolute = _ABSOLUTE(target)
    if absolute is not None and is_host(absolute[1]):
        return absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}", absolute[1]
    if target == "*" and method == "OPTIONS":
        return "/", None
    raise BadRequest("the target of the request is malformed")


def _check_host(fields: list[tuple[str, str]], version: str) -> None:
    hosts = _values(fields, "host")
    if (not hosts and version != "1.0") or len(hosts) > 1 or not all(map(is_host, hosts)):
        raise BadRequest("a request names one valid Host")


def _body(fields: list[tuple[str, str]], version: str) -> tuple[bool, int | None]:
    """The length of the body, None for chunks, and whether there is one (§6)."""
    lengths, codings = _values(fields, "content-length"), _values(fields, "transfer-encoding")
    if codings:
        if lengths or version == "1.0" or len(codings) > 1 or codings[0].lower() != "chunked":
            raise BadRequest("a body comes with a Content-Length, or with Transfer-Encoding: chunked")
        return True, None
    if not lengths:
        return False, 0
    if len(lengths) > 1 or not _DIGITS(lengths[0]):
        raise BadRequest("Content-Length is malformed")
    if len(lengths[0]) > LENGTH_DIGITS_MAX:
        raise PayloadTooLarge("the body is too large")
    return True, int(lengths[0])


def _keeps_alive(fields: list[tuple[str, str]], version: str) -> bool:
    options = {option.strip().lower() for value in _values(fields, "connection") for option in value.split(",")}
    return "close" not in options and (version != "1.0" or "keep-alive" in options)


def _expects(fields: list[tuple[str, str]], version: str) -> bool:
    """True where the client waits for a 100 before its body; one of HTTP/1.0 cannot (RFC 9110 §10.1.1)."""
    expected = _values(fields, "expect")
    if version == "1.0":
        return False
    if any(value.lower() != "100-continue" for value in expected):
        raise ExpectationFailed("nothing but 100-continue can be expected")
    return bool(expected)


def _values(fields: list[tuple[str, str]], name: str) -> list[str]:
    return [value for known, value in fields if known == name]


class Chunks:
    """The reader of a body in chunks (§7.1). Extensions and trailers are checked, bounded and dropped."""

    __slots__ = ("_begun", "_buffer", "_extensions", "_left", "_receive_more")

    def __init__(self, buffer: bytearray, receive_more: Callable[[], Awaitable[None]]) -> None:
        """`buffer` holds what has come; `receive_more` waits until more has."""
        self._buffer = buffer
        self._receive_more = receive_more
        self._left = 0
        self._extensions = 0
        self._begun = False

    async def next_size(self) -> int:
        """Bytes of the chunk that begins here; 0 at the end, with the trailers read. None is open. Raises
        `BadRequest`."""
        if self._begun and await self._line(2) != b"\r\n":
            raise BadRequest("a chunk is longer or shorter than it says")
        self._begun = True
        match = _CHUNK_LINE(await self._line(CHUNK_LINE_MAX))
        if match is None:
            raise BadRequest("the size of a chunk is malformed")
        self._extensions += len(match[2])
        if self._extensions > EXTRAS_MAX:
            raise BadRequest("the chunks have too many extensions")
        self._left = int(match[1], 16)
        if self._left == 0:
            await self._skip_trailers()
        return self._left

    @property
    def is_open(self) -> bool:
        """True while some of the chunk is still to be read."""
        return self._left > 0

    async def read(self) -> bytes:
        """The next bytes of the open chunk."""
        if not self._buffer:
            await self._receive_more()
        data = bytes(self._buffer[: self._left])
        del self._buffer[: len(data)]
        self._left -= len(data)
        return data

    async def _skip_trailers(self) -> None:
        left = EXTRAS_MAX
        while (line := await self._line(left)) != b"\r\n":
            left -= len(line)
            _field(line.decode(errors="surrogateescape").removesuffix("\r\n"))

    async def _line(self, most: int) -> bytes:
        """The next line with its end."""
        while (end := self._buffer.find(b"\n", 0, most)) < 0:
            if len(self._buffer) >= most:
                raise BadRequest("a line of the chunked body is too long")
            await self._receive_more()
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line
