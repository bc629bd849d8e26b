"""Shared memory between the processes of one machine: a slot for each process, which alone writes it.

The mapping is anonymous and made before the forks: there is no file that `kill -9` could leave behind. A slot has two
halves. The writer fills the one that is not in use and then changes one byte, so that a writer killed in the middle
leaves its last text; a slot's text outlives its writer, for the successor.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from typing import NamedTuple

import msgspec

from notifier.telemetry.lines import Line, lines_in, newer

HALF = 256 * 1024  # bytes of one text, header included; pages that are not written cost nothing
SLOT = 2 * HALF + mmap.PAGESIZE
RETRIES = 5
_HEADER = struct.Struct("<II")  # length, CRC-32
_numbers = msgspec.json.Decoder(list[int]).decode


class Scoreboard:
    """`slots` texts of up to 256 KiB, shared by this process and those that it forks."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * SLOT)

    def write(self, slot: int, text: bytes) -> None:
        """Replaces a slot's text; raises `ValueError` when it does not fit. Only one process may write to a slot."""
        if len(text) > HALF - _HEADER.size:
            raise ValueError(f"{len(text)} bytes do not fit into a slot of the scoreboard")
        start = slot * SLOT
        half = 1 - self._memory[start]
        at = start + mmap.PAGESIZE + half * HALF
        self._memory[at + _HEADER.size : at + _HEADER.size + len(text)] = text
        _HEADER.pack_into(self._memory, at, len(text), zlib.crc32(text))
        self._memory[start] = half

    def read(self, slot: int) -> bytes:
        """A slot's text; empty when nothing was written yet, or its writer overtook us five times."""
        start = slot * SLOT
        for _ in range(RETRIES):
            at = start + mmap.PAGESIZE + self._memory[start] * HALF
            length, crc = _HEADER.unpack_from(self._memory, at)
            text = self._memory[at + _HEADER.size : at + _HEADER.size + min(length, HALF)]
            if zlib.crc32(text) == crc:
                return text
        return b""


class Slots(NamedTuple):
    """The slots behind those of the workers. `told`: the numbers of the lines that the first worker has told."""

    keeper: int
    supervisor: int
    keeper_lines: int
    supervisor_lines: int
    told: int

    @classmethod
    def behind(cls, workers: int) -> Slots:
        """Those of a server with so many workers."""
        return cls(*range(workers, workers + len(cls._fields)))


class Seat:
    """One worker's place at the scoreboard."""

    def __init__(self, board: Scoreboard, index: int, workers: int) -> None:
        self._board = board
        self._index = index
        self._workers = workers
        self._slots = Slots.behind(workers)

    def read_own(self) -> bytes:
        """The text of this worker's slot: at its start, the last one of its predecessor."""
        return self._board.read(self._index)

    def publish(self, text: bytes) -> None:
        """Writes this worker's slot."""
        self._board.write(self._index, text)

    def read_others(self) -> tuple[list[bytes], list[bytes]]:
        """The texts of the workers before and after this one; empty slots are left out."""
        before = map(self._board.read, range(self._index))
        after = map(self._board.read, range(self._index + 1, self._workers))
        return [text for text in before if text], [text for text in after if text]

    def read_keeper(self) -> bytes:
        """The text of the embedded Redis' keeper."""
        return self._board.read(self._slots.keeper)

    def take_lines(self) -> list[Line]:
        """Warnings and errors of the keeper and the supervisor that were not told yet, each once: by the first worker.

        Its successor goes on after those that it told.
        """
        if self._index:
            return []
        told = _numbers(self._board.read(self._slots.told) or b"[0,0]")
        slots = (self._slots.keeper_lines, self._slots.supervisor_lines)
        found = [newer(lines_in(self._board.read(slot)), number) for slot, number in zip(slots, told, strict=True)]
        if any(found):
            now = [lines[-1].number if lines else number for lines, number in zip(found, told, strict=True)]
            self._board.write(self._slots.told, msgspec.json.encode(now))
        return sorted((line for lines in found for line in lines), key=lambda line: line.at)

    @property
    def restarts(self) -> int:
        """Workers that the supervisor has started again."""
        return int(self._board.read(self._slots.supervisor) or 0)
