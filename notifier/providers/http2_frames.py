"""Connections of httpx2 whose reads end where an HTTP/2 frame ends, so that a status line counts as an answer.

h2 takes a read as a whole: where headers and a frame that breaks the protocol come in one packet, the status would be
lost with the error, and a send that was taken would be made again. Frame by frame, the headers are out before.
"""

from __future__ import annotations

from typing import Any

import httpcore2
import httpx2

HEADER = 9  # bytes, of which the first three are the payload's length (RFC 9113 §4.1)


class Frames(httpcore2.AsyncNetworkStream):
    """A stream that passes on at most one frame at a time. Other protocols (HTTP/1.1) are only cut at odd places."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._held = b""
        self._header = b""
        self._payload = 0  # bytes of the frame's payload that are still to come

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Bytes up to the end of a frame, or as many of it as there are; empty at the end."""
        if not self._held:
            self._held = await self._stream.read(max_bytes, timeout)
        end = self._end_of_frame()
        piece, self._held = self._held[:end], self._held[end:]
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **options: Any) -> Frames:
        return Frames(await self._stream.start_tls(*args, **options))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _end_of_frame(self) -> int:
        end = 0
        if not self._payload:
            end = min(len(self._held), HEADER - len(self._header))
            self._header += self._held[:end]
            if len(self._header) == HEADER:
                self._payload, self._header = int.from_bytes(self._header[:3], "big"), b""
        taken = min(self._payload, len(self._held) - end)
        self._payload -= taken
        return end + taken


class FramesBackend(httpcore2.AsyncNetworkBackend):
    """Opens such connections, by another backend."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *args: Any, **options: Any) -> Frames:
        return Frames(await self._backend.connect_tcp(*args, **options))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def read_by_frames(transport: httpx2.AsyncHTTPTransport) -> httpx2.AsyncHTTPTransport:
    """The same transport over such connections; httpx2 has no other way to name its backend."""
    transport._pool._network_backend = FramesBackend(transport._pool._network_backend)
    return transport
