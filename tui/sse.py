"""Server-sent events from bytes (WHATWG HTML, 9.2), bounded."""

from __future__ import annotations

from typing import NamedTuple

LINE_MAX = 64 * 1024
DATA_MAX = 128 * 1024


class ServerEvent(NamedTuple):
    """An event's type and data; a comment has the type `:`."""

    kind: str
    data: str


class Parser:
    """Takes what arrives, in any pieces; gives whole events. Lines and events over the limits are dropped."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False
        self._kind = ""
        self._data: list[str] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that this piece completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines and self._skipping:
            lines, self._skipping = lines[1:], False
        if len(self._rest) > LINE_MAX:
            self._rest, self._skipping = b"", True
        found: list[ServerEvent] = []
        for line in lines:
            self._take(line.rstrip(b"\r"), found)
        return found

    def _take(self, line: bytes, found: list[ServerEvent]) -> None:
        if not line:
            self._finish(found)
            return
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if not name:
            found.append(ServerEvent(":", value))
        elif name == "event":
            self._kind = value
        elif name == "data":
            self._held += len(value)
            if self._held <= DATA_MAX:
                self._data.append(value)

    def _finish(self, found: list[ServerEvent]) -> None:
        if self._data and self._held <= DATA_MAX:
            found.append(ServerEvent(self._kind or "message", "\n".join(self._data)))
        self._kind, self._data, self._held = "", [], 0
