"""DISK_RESERVE: room on the disk that the embedded Redis' append-only file owns before it needs it.

With `appendfsync no` or `everysec` Redis answers OK although the write to its file failed (aof.c, flushAppendOnlyFile),
and what it answered is lost with the process. So its writes must not fail: blocks beyond the end of the file are
allocated ahead of it (fallocate(2), FALLOC_FL_KEEP_SIZE), where no other program can take them. When no more can be
had, Redis is told to refuse (`maxmemory 1`: writes are answered OOM, reads and deletions go on) while there is still
room for whatever is on its way.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import resource
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import hiredis

from notifier.errors import NotifierError
from notifier.store.embedded.append_only import files_of
from notifier.store.redis.link import Link

INTERVAL, INTERVAL_NEAR = 0.1, 0.01  # seconds between two looks, the latter when the disk is nearly full
ASK_INTERVAL = 1.0  # seconds between two questions to the server whether its last write went well
FLOOR = 0.75  # of the reserve: with less Redis refuses
SHARE = 4  # the reserve is at most this part of the file system
NEAR = 4  # times the reserve
KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE
FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
MIB = 1024 * 1024

OnEvent = Callable[[str, Mapping[str, object]], None]

log = logging.getLogger("notifier.store")


class Room(NamedTuple):
    """Bytes by which the file can grow for certain, and bytes free on the disk."""

    ahead: int
    free: int
    files: int  # what the append-only files hold together


class DiskGuard:
    """Keeps `reserve` bytes allocated ahead of the file, and lets Redis refuse writes when it cannot."""

    def __init__(self, data_dir: Path, reserve: int, on_event: OnEvent) -> None:
        """`reserve` in bytes, 0 switches it off; at most a quarter of the file system is taken. `on_event` is told
        `disk.low` and `disk.enough`, `redis.write_failed` and `redis.writes_again`."""
        self._data_dir = data_dir
        self._wanted = reserve
        self._on_event = on_event
        self._low = False
        self._failed = False
        self._used = 0  # bytes of the server's memory
        self._told: dict[str, str] = {}  # the server's configuration, as far as it was changed
        self.reserve = 0
        self.room = Room(0, 0, 0)

    @property
    def full(self) -> bool:
        """True while the server refuses writes for want of room."""
        return self._low

    @property
    def low(self) -> bool:
        """True while the disk could not give the reserve once more; writes are taken as long as it lasts."""
        return self._wanted > 0 and self.room.free < self.reserve

    @property
    def trouble(self) -> str | None:
        """The reason why the server takes no writes, or may lose them; None while all is well."""
        if self._low:
            return (
                f"the disk of {self._data_dir} is nearly full ({self.room.free / MIB:.0f} MiB free): new notifications "
                "are refused before any could be lost; make room, or move the data to a larger disk (DATA_DIR)"
            )
        if self._failed:
            return f"the last write to the append-only file in {self._data_dir} failed; look at redis.log and its disk"
        return None

    def look(self) -> None:
        """Measures and allocates; raises `OSError` when the folder cannot be read."""
        if not self._wanted:
            return
        room = self.room = self._measure()
        low = room.ahead < self.reserve * (1.0 if self._low else FLOOR)
        if low != self._low:
            self._low = low
            facts = {"free_bytes": room.free, "ahead_bytes": room.ahead, "reserve_bytes": self.reserve}
            self._on_event("disk.low" if low else "disk.enough", {"folder": str(self._data_dir), **facts})

    def options(self) -> dict[str, str]:
        """The part of the server's configuration that is this guard's, as things stand."""
        # A rewritten file is no larger than what is in memory, which is often much less than the old one.
        needed = min(self.room.files, self._used or self.room.files) + 2 * self.reserve
        rewrites = not self._wanted or self.room.free >= needed
        return {"maxmemory": "1" if self._low else "0", "auto-aof-rewrite-percentage": "100" if rewrites else "0"}

    def launched(self, options: Mapping[str, str]) -> None:
        """Notes with which of its options the server was started."""
        self._told = dict(options)

    async def run(self, connect: Callable[[], Awaitable[Link]]) -> None:
        """Looks again and again until it is cancelled; `connect` opens a link to the server."""
        while True:
            try:
                link = await connect()
                try:
                    await self._watch(link)
                finally:
                    link.close()
            except (NotifierError, OSError, TimeoutError, hiredis.ReplyError) as error:
                # Mostly the server's end, which is told by who starts it again.
                log.debug("disk.unwatched", extra={"error": str(error)})
            await asyncio.sleep(INTERVAL)

    async def _watch(self, link: Link) -> None:
        ask_at, loop = 0.0, asyncio.get_running_loop()
        while True:
            self.look()
            await self._tell(link)
            if loop.time() >= ask_at:
                ask_at = loop.time() + ASK_INTERVAL
                await self._ask(link)
            near = self.room.free < NEAR * self.reserve or self.room.ahead < self.reserve
            await asyncio.sleep(INTERVAL_NEAR if near else INTERVAL)

    # -- the disk

    def _measure(self) -> Room:
        system = os.statvfs(self._data_dir)
        free = system.f_bavail * system.f_frsize
        self.reserve = min(self._wanted, system.f_blocks * system.f_frsize // SHARE)
        files = list(files_of(self._data_dir))
        newest = max((file for file in files if file.sequence[0]), key=lambda file: file.sequence, default=None)
        ahead = free if newest is None else self._allocate(newest.path, free)
        return Room(ahead, free, sum(file.size for file in files))

    def _allocate(self, path: str, free: int) -> int:
        """Bytes by which the file can grow for certain, after as many as are wanted were asked for."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:  # Redis has just replaced it
            return free
        try:
            for wanted in (self.reserve, int(self.reserve * FLOOR) + 1):
                ahead = _ahead(descriptor)
                if ahead >= wanted:
                    return ahead
                problem = _fallocate(descriptor, wanted)
                if problem and problem not in FULL:  # this file system has no such thing: others may take what is free
                    return free
            return _ahead(descriptor)
        finally:
            os.close(descriptor)

    # -- the server

    async def _tell(self, link: Link) -> None:
        for name, value in self.options().items():
            if self._told.get(name) != value:
                await link.call("CONFIG", "SET", name, value)
                self._told[name] = value

    async def _ask(self, link: Link) -> None:
        self._used = int(_field(await link.call("INFO", "memory"), b"used_memory") or b"0")
        failed = _field(await link.call("INFO", "persistence"), b"aof_last_write_status") not in (b"ok", None)
        if failed != self._failed:
            self._failed = failed
            facts = {"folder": str(self._data_dir), "free_bytes": self.room.free}
            self._on_event("redis.write_failed" if failed else "redis.writes_again", facts)


def _field(info: bytes, name: bytes) -> bytes | None:
    return next((line[len(name) + 1 :] for line in info.split(b"\r\n") if line.startswith(name + b":")), None)


def _ahead(descriptor: int) -> int:
    """Bytes allocated beyond the end, as far as RLIMIT_FSIZE (which the server inherits) lets the file grow."""
    status = os.fstat(descriptor)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    end = status.st_blocks * 512
    return (end if limit == resource.RLIM_INFINITY else min(end, limit)) - status.st_size


def _fallocate(descriptor: int, ahead: int) -> int:
    """Allocates so many bytes beyond the end, which stays where it is; 0, or the number of the error.

    Not `os.posix_fallocate`: that moves the end, and Redis would append behind zeros.
    """
    size = os.fstat(descriptor).st_size
    done = _libc.fallocate(descriptor, KEEP_SIZE, ctypes.c_longlong(size), ctypes.c_longlong(ahead))
    return 0 if done == 0 else ctypes.get_errno()


_libc = ctypes.CDLL(None, use_errno=True)
