"""The embedded Redis as other processes see it: facts that the keeper process writes, and a worker reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec


class RedisFacts(msgspec.Struct):
    """State of the embedded Redis: its keeper's process id, the server's URL, restarts, the error of a failed start,
    the present trouble, free bytes on its disk, and whether it refuses writes for want of them, or soon will."""

    pid: int = 0
    url: str = ""
    restarts: int = 0
    error: str = ""
    trouble: str | None = None
    disk_free: int = 0
    disk_full: bool = False
    disk_low: bool = False


class OwnRedis(Protocol):
    """A Redis that belongs to this program."""

    @property
    def restarts(self) -> int: ...
    @property
    def trouble(self) -> str | None: ...
    @property
    def disk_free(self) -> int: ...
    @property
    def disk_full(self) -> bool: ...
    @property
    def disk_low(self) -> bool: ...
    async def start(self) -> str: ...
    async def stop(self) -> None: ...


class KeptRedis:
    """The server of the keeper process, for a worker: it runs before the worker starts, and after it stops."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        """`read` returns the keeper's text on the scoreboard."""
        self._read = read

    @property
    def restarts(self) -> int:
        """Times that the server was started again."""
        return facts_in(self._read()).restarts

    @property
    def trouble(self) -> str | None:
        """The reason why the server refuses writes, or may lose them; None while all is well."""
        return facts_in(self._read()).trouble

    @property
    def disk_free(self) -> int:
        """Bytes that were free on the disk of the data a second ago or less."""
        return facts_in(self._read()).disk_free

    @property
    def disk_full(self) -> bool:
        """True while writes are refused for want of room on the disk."""
        return facts_in(self._read()).disk_full

    @property
    def disk_low(self) -> bool:
        """True while the disk has less room than `DISK_RESERVE` beyond what is reserved."""
        return facts_in(self._read()).disk_low

    async def start(self) -> str:
        """The server's URL."""
        return facts_in(self._read()).url

    async def stop(self) -> None:
        """Does nothing: the server serves the other workers."""


def facts_in(text: bytes) -> RedisFacts:
    """Decodes the keeper's text on the scoreboard; an empty text holds no facts yet."""
    return msgspec.json.decode(text, type=RedisFacts) if text else RedisFacts()
