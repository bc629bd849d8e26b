"""Bodies of HTTP answers, read whole, in however many pieces they come, up to a bound of bytes and of time.

A status line is the answer; a body behind it may be broken, endless or missing, and what can be read of it is what
there is (RFC 9110 §15.3: a `2xx` means that the request was taken).
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator

MAX_BODY = 64 * 1024  # bytes
BODY_TIMEOUT = 2.0  # seconds after the headers
_ZLIB_OR_GZIP = 47  # zlib's window bits for either of the two, told apart by their first bytes


async def read_body(
    pieces: AsyncIterator[bytes], encoding: str, broken: tuple[type[Exception], ...], seconds: float = BODY_TIMEOUT
) -> bytes:
    """The part of a body that comes within `seconds`, decoded, at most 64 KiB; less where it breaks off with one of
    `broken`, the errors of the library that reads it."""
    body = bytearray()
    # The status has been read by now: an id or a code that does not come is one that was not given.
    with contextlib.suppress(OSError, *broken):  # a deadline is an OSError too
        async with asyncio.timeout(seconds):
            async for piece in pieces:
                body += piece
                if len(body) >= MAX_BODY:
                    break
    return _decoded(bytes(body[:MAX_BODY]), encoding.strip().lower())


def _decoded(body: bytes, encoding: str) -> bytes:
    """The content of a body; as it is where its `Content-Encoding` is unknown or not what it says."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(_ZLIB_OR_GZIP).decompress(body, MAX_BODY)
    except zlib.error:
        return body
