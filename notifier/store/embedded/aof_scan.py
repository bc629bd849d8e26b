"""Reads an append-only file as Redis writes it (commands in RESP), to tell what of it is whole.

Redis' own tool, redis-check-aof, is not everywhere where this program is, and throws away all behind the first fault.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import NamedTuple

_COMMAND = re.compile(rb"\*([1-9][0-9]{0,6})\r\n")
_ARGUMENT = re.compile(rb"\$([0-9]{1,10})\r\n")
_AGAIN = re.compile(rb"\*[1-9][0-9]{0,6}\r\n\$[0-9]{1,9}\r\n[A-Za-z]")
_BEHIND_RDB = re.compile(rb"\xff.{8}(?=\*[1-9][0-9]{0,6}\r\n\$[0-9]{1,9}\r\n[A-Za-z])", re.DOTALL)
RDB_MAGIC = b"REDIS"


class Scan(NamedTuple):
    """The whole parts of a file: ranges of bytes that hold complete commands and transactions, in their order."""

    size: int
    whole: tuple[tuple[int, int], ...]
    zeros: bool = False  # what is not whole is all zeros, as after a power cut

    @property
    def lost(self) -> int:
        """Bytes that are not whole."""
        return self.size - sum(end - start for start, end in self.whole)

    @property
    def end(self) -> int:
        """Where the first fault is."""
        return self.whole[0][1] if self.whole and self.whole[0][0] == 0 else 0

    @property
    def is_tail(self) -> bool:
        """True where nothing whole follows the first fault."""
        return len(self.whole) <= 1 and (not self.whole or self.whole[0][0] == 0)


def scan(path: Path, without: bytes | None = None) -> Scan:
    """Scans a file; `without` is the name of a command to be taken for a fault. Raises `OSError`."""
    size = path.stat().st_size
    if size == 0:
        return Scan(0, ())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        whole = _Scanner(data, without).run()
        found = Scan(size, tuple(whole))
        return found._replace(zeros=bool(found.lost) and not any(data[found.end : found.end + found.lost].strip(b"\0")))


class _Scanner:
    def __init__(self, data: mmap.mmap, without: bytes | None) -> None:
        self._data = data
        self._size = len(data)
        self._without = without
        self._whole: list[tuple[int, int]] = []
        self._first = self._good = 0  # the range that grows
        self._multi = False

    def run(self) -> list[tuple[int, int]]:
        at = self._good = self._skip_rdb()
        while at < self._size:
            found = self._command(at)
            if found is None:
                at = self._resume(at + 1)
            else:
                at = self._take(at, *found)
        self._close()
        return self._whole

    def _skip_rdb(self) -> int:
        """Where the commands begin behind a snapshot, with which a rewritten file begins."""
        if self._data[:5] != RDB_MAGIC:
            return 0
        match = _BEHIND_RDB.search(self._data)
        return match.end() if match else self._size

    def _take(self, at: int, end: int, name: bytes) -> int:
        if name == self._without or (name == b"EXEC" and not self._multi):
            self._break(end)
        elif name == b"MULTI":
            self._multi = True
        elif name == b"EXEC":
            self._multi = False
        if not self._multi:
            self._good = end
        return end

    def _break(self, end: int) -> None:
        """Closes the range before a fault; the next one begins at `end`."""
        self._close()
        self._first = self._good = end
        self._multi = False

    def _close(self) -> None:
        if self._good > self._first:
            self._whole.append((self._first, self._good))

    def _resume(self, at: int) -> int:
        """The next place where a whole command begins, the end of the file where there is none."""
        while (match := _AGAIN.search(self._data, at)) is not None:
            found = self._command(match.start())
            if found is not None and self._data[found[0] : found[0] + 1] in (b"", b"*", b"#"):
                self._break(match.start())
                return match.start()
            at = match.start() + 1
        return self._size

    def _command(self, at: int) -> tuple[int, bytes] | None:
        """The end of the command or annotation that begins there, and its name; None where none does, or half of it."""
        if self._data[at] == ord("#"):
            end = self._data.find(b"\r\n", at)
            return (end + 2, b"#") if end >= 0 else None
        match = _COMMAND.match(self._data, at)
        if match is None:
            return None
        name, at = b"", match.end()
        for number in range(int(match[1])):
            argument = _ARGUMENT.match(self._data, at)
            if argument is None:
                return None
            end = argument.end() + int(argument[1])
            if self._data[end : end + 2] != b"\r\n":
                return None
            if number == 0:
                name = self._data[argument.end() : end].upper()
            at = end + 2
        return at, name
