"""The fsync of the embedded Redis' append-only file, once a second, in place of Redis' own `everysec`.

Redis hands every write to the kernel before it answers, so a kill of any process loses nothing; what only a power cut
could lose is put on the disk here, without ever holding Redis up.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

INTERVAL = 1.0
_NAME = re.compile(r"appendonly\.aof(?:\.(\d+)\.(base\.rdb|base\.aof|incr\.aof))?").fullmatch


class AppendOnlyFile(NamedTuple):
    """One of the files. `sequence` orders them: bases before what is appended to."""

    path: str
    sequence: tuple[bool, int]
    inode: int
    size: int


def files_of(data_dir: Path) -> Iterator[AppendOnlyFile]:
    """Every append-only file: Redis 7 keeps several in a folder, 6.2 one beside it."""
    for folder in (data_dir / "appendonlydir", data_dir):
        try:
            entries = [(entry, match) for entry in os.scandir(folder) if (match := _NAME(entry.name))]
            for entry, match in entries:
                status = entry.stat(follow_symlinks=False)
                grows = match[2] in (None, "incr.aof")
                yield AppendOnlyFile(entry.path, (grows, int(match[1] or 0)), status.st_ino, status.st_size)
        except (FileNotFoundError, NotADirectoryError):
            continue


class Synchroniser:
    """Puts what was appended on the disk every second, in a thread; rests while nothing is appended."""

    def __init__(self, data_dir: Path, on_event: Callable[[str, Mapping[str, object]], None]) -> None:
        """`on_event` is told `redis.fsync_failed` once, and `redis.fsync_recovered` when it succeeds again."""
        self._data_dir = data_dir
        self._on_event = on_event
        self._synced: dict[str, tuple[int, int]] = {}  # file -> its inode and size when it was last put on the disk
        self._failing = False

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            grown = self._grown()
            if grown:
                await asyncio.to_thread(self.sync, grown)

    def sync(self, files: Mapping[str, tuple[int, int]] | None = None) -> None:
        """Puts these files (by default all that have grown) on the disk."""
        try:
            for path, state in (self._grown() if files is None else files).items():
                _fsync(path)
                self._synced[path] = state
        except FileNotFoundError:
            return  # Redis has rewritten its file; the new one is seen in the next round
        except OSError as error:
            if not self._failing:
                self._on_event("redis.fsync_failed", {"error": str(error)})
            self._failing = True
            return
        if self._failing:
            self._on_event("redis.fsync_recovered", {})
        self._failing = False

    def _grown(self) -> dict[str, tuple[int, int]]:
        found = dict(self._states())
        self._synced = {path: state for path, state in self._synced.items() if path in found}
        return {path: state for path, state in found.items() if self._synced.get(path) != state}

    def _states(self) -> Iterator[tuple[str, tuple[int, int]]]:
        return ((file.path, (file.inode, file.size)) for file in files_of(self._data_dir) if file.sequence[0])


def _fsync(path: str) -> None:
    # fsync is of the file, not of the descriptor: what Redis has written through its own goes to the disk too.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
