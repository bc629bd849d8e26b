"""WebSocket frames (RFC 6455), the server's side, without any I/O: bytes in, messages out, and the other way round."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from struct import Struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NORMAL = 1000
PROTOCOL_ERROR = 1002
UNSUPPORTED_DATA = 1003
NO_STATUS = 1005
ABNORMAL = 1006
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013

MAX_CONTROL = 125
_FINAL_TEXT, _MASKED_LONG = 0x80 | TEXT, 0x80 | 126
_NO_MASK = b"\0\0\0\0"
_long_header = Struct(">BBH").pack
_Utf8 = codecs.getincrementaldecoder("utf-8")


class FrameError(Exception):
    """A breach of the protocol by the peer; `code` is the close code to answer with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameReader:
    """Reads a client's frames from chunks of any size. Holds nothing between messages."""

    __slots__ = ("_fragments", "_kind", "_max", "_missing", "_size", "_tail", "_utf8")

    def __init__(self, max_size: int) -> None:
        """`max_size` bounds a message, all its fragments together, in bytes."""
        self._max = max_size
        self._tail: bytearray | None = None
        self._missing = 0
        self._kind = 0
        self._size = 0
        self._fragments: bytearray | None = None
        self._utf8: codecs.IncrementalDecoder | None = None

    def read_whole(self, data: bytes) -> bytes | None:
        """The text where `data` is just one whole text frame of ASCII and nothing is half read: the usual case. None
        where `read` is to look at it, also for what breaks the protocol."""
        size = len(data)
        if size < 6 or data[0] != _FINAL_TEXT or self._tail is not None or self._fragments is not None:
            return None
        second, start = data[1], 6
        if second == _MASKED_LONG:
            start, length = 8, data[2] << 8 | data[3]
        else:
            length = second & 0x7F
            if second < 0x80 or length > MAX_CONTROL:
                return None
        if length != size - start or length > self._max:
            return None
        payload = unmask(data[start:], data[start - 4 : start])
        return payload if payload.isascii() else None

    def read(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages and control frames that `data` completes, as (opcode, payload), in order.

        Raises `FrameError` where the stream breaks the protocol; what came before has been yielded.
        """
        if self._tail is not None:
            self._tail += data
            if len(self._tail) < self._missing:
                return
            data = bytes(self._tail)
            self._tail = None
        position, end = 0, len(data)
        while position < end:
            start, after = self._header(data, position, end)
            if after > end or start == 0:
                self._keep(data, position, after - position)
                return
            message = self._frame(data[position], data[start - 4 : start], data[start:after])
            position = after
            if message is not None:
                yield message

    def forget(self) -> None:
        """Drops a message that is half read."""
        self._tail = self._fragments = self._utf8 = None
        self._size = 0

    def _keep(self, data: bytes, position: int, missing: int) -> None:
        self._tail = bytearray(data[position:])
        self._missing = missing

    def _header(self, data: bytes, position: int, end: int) -> tuple[int, int]:
        """Where the payload of the frame at `position` begins and ends; a beginning of 0 says: too little is here."""
        if end - position < 2:
            return 0, position + 2
        first, second = data[position], data[position + 1]
        length = second & 0x7F
        self._check(first, second, length)
        start = position + 6
        if length >= 126:
            start += 2 if length == 126 else 8
            if end < start - 4:
                return 0, start
            length = int.from_bytes(data[position + 2 : start - 4], "big")
        control = first & 0x08  # may stand between the fragments of a message, and is no part of it
        if not control and length + self._size > self._max:
            raise FrameError(TOO_BIG, "message too big")
        return start, start + length

    def _check(self, first: int, second: int, length: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise FrameError(PROTOCOL_ERROR, "reserved bits are set")
        if not second & 0x80:
            raise FrameError(PROTOCOL_ERROR, "a client must mask its frames")
        if opcode >= CLOSE:
            if opcode > PONG or not first & 0x80 or length > MAX_CONTROL:
                raise FrameError(PROTOCOL_ERROR, "no such control frame")
        elif opcode > BINARY:
            raise FrameError(PROTOCOL_ERROR, "no such opcode")
        elif (opcode == CONTINUATION) != (self._fragments is not None):
            raise FrameError(PROTOCOL_ERROR, "a fragment is out of place")

    def _frame(self, first: int, key: bytes, masked: bytes) -> tuple[int, bytes] | None:
        """The message that a frame completes, or the control frame that it is; None for a fragment."""
        payload = unmask(masked, key)
        opcode = first & 0x0F
        if opcode >= CLOSE:
            return opcode, payload
        final = first >= 0x80
        if final and opcode != CONTINUATION:
            if opcode == TEXT and not payload.isascii():
                _check_utf8(payload)
            return opcode, payload
        return self._fragment(opcode, payload, final)

    def _fragment(self, opcode: int, payload: bytes, final: bool) -> tuple[int, bytes] | None:
        if self._fragments is None:
            self._fragments, self._kind = bytearray(), opcode
            self._utf8 = _Utf8() if opcode == TEXT else None
        if self._utf8 is not None:
            try:
                self._utf8.decode(payload, final)
            except UnicodeDecodeError:
                raise FrameError(INVALID_DATA, "invalid UTF-8") from None
        # One buffer: fragments of a few bytes kept apart would cost thirty times their size.
        self._fragments += payload
        self._size += len(payload)
        if not final:
            return None
        kind, whole = self._kind, bytes(self._fragments)
        self._fragments, self._utf8, self._size = None, None, 0
        return kind, whole


def unmask(payload: bytes, key: bytes) -> bytes:
    """The payload of a client's frame (RFC 6455 §5.3). One big XOR: ten times faster here than a loop over bytes."""
    if key == _NO_MASK or not payload:
        return payload
    length = len(payload)
    pad = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")).to_bytes(length, "little")


def read_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of a close frame; raises `FrameError` for a malformed one. An empty one is 1005."""
    if not payload:
        return NO_STATUS, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not _may_be_sent(code):
        raise FrameError(PROTOCOL_ERROR, "no such close code")
    return code, _check_utf8(payload[2:])


def encode_text(payload: bytes) -> bytes:
    """A text frame."""
    length = len(payload)
    if MAX_CONTROL < length < 65536:
        return _long_header(_FINAL_TEXT, 126, length) + payload
    return encode_frame(TEXT, payload)


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """A final frame of the server: never masked."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, length)) + payload
    if length < 65536:
        return bytes((0x80 | opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + length.to_bytes(8, "big") + payload


def read_texts(frames: bytes) -> Iterator[bytes]:
    """The payloads of whole text frames of the server, in order."""
    position, end = 0, len(frames)
    while position < end:
        length, position = frames[position + 1], position + 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length, position = int.from_bytes(frames[position : position + width], "big"), position + width
        yield frames[position : position + length]
        position += length


def encode_ping(payload: bytes = b"") -> bytes:
    """A ping with up to 125 bytes."""
    return encode_frame(PING, payload)


def encode_pong(payload: bytes) -> bytes:
    """The answer to a ping with that payload."""
    return encode_frame(PONG, payload)


def encode_close(code: int, reason: str) -> bytes:
    """A close frame; 1005 and 1006, which are never sent, become an empty one. The reason is cut to what fits."""
    if code in (NO_STATUS, ABNORMAL):
        return encode_frame(CLOSE, b"")
    text = reason.encode()[: MAX_CONTROL - 2].decode(errors="ignore").encode()
    return encode_frame(CLOSE, code.to_bytes(2, "big") + text)


def _may_be_sent(code: int) -> bool:
    """True for a close code that a peer may send (RFC 6455 §7.4 and the IANA registry)."""
    return (1000 <= code <= 1014 and code not in (1004, NO_STATUS, ABNORMAL)) or 3000 <= code <= 4999


def _check_utf8(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_DATA, "invalid UTF-8") from None
