"""A terminal in memory, with a program in it: as much of one as a dashboard needs."""

from __future__ import annotations

import codecs
import contextlib
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

from rich.cells import cell_len

_PART = re.compile(r"\x1b\[([0-9;?<>=]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|[^\x1b]")
_UNFINISHED = re.compile(r"\x1b(\[[0-9;?<>=]*[ -/]*|\][^\x07\x1b]*\x1b?)?$")


class Screen:
    """Cells written by cursor positions and text; colours are left out."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.height = columns, lines
        self._cells = [[" "] * columns for _ in range(lines)]
        self._x = self._y = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """Draws what a program wrote."""
        text = self._rest + self._decode(data)
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        for part in _PART.finditer(text[: len(text) - len(self._rest)]):
            if part[2] in ("H", "f"):
                row, _, column = part[1].partition(";")
                self._y, self._x = int(row or 1) - 1, int(column or 1) - 1
            elif part[0] == "\n":
                self._y, self._x = self._y + 1, 0
            elif part[0] == "\r":
                self._x = 0
            elif not part[0].startswith("\x1b"):
                self._put(part[0])

    @property
    def lines(self) -> list[str]:
        """The lines as text."""
        return ["".join(row).rstrip() for row in self._cells]

    def _put(self, char: str) -> None:
        width = cell_len(char)
        if not width and self._x and 0 <= self._y < self.height:
            self._cells[self._y][min(self._x, self.columns) - 1] += char
        elif 0 <= self._y < self.height and self._x + width <= self.columns:
            self._cells[self._y][self._x : self._x + width] = [char] + [""] * (width - 1)
        self._x += width


class Terminal:
    """A program in a pseudo-terminal, the screen it draws, and the processor time that it uses."""

    def __init__(self, command: list[str], columns: int, lines: int, **environment: str) -> None:
        self.screen = Screen(columns, lines)
        self.written = 0
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor"} | environment)
            # Without a size yet it would draw 80×24.
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execvp(command[0], command)

    def watch(self, seconds: float) -> None:
        """Draws what the program writes for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._file], [], [], left)[0]:
                block = os.read(self._file, 1 << 20)
                self.written += len(block)
                self.screen.feed(block)

    def until(self, holds: Callable[[list[str]], bool], seconds: float = 20.0) -> None:
        """Watches until the lines are as wanted; fails with what stands there."""
        deadline = time.monotonic() + seconds
        while not holds(self.screen.lines):
            if time.monotonic() > deadline:
                raise AssertionError("\n".join(self.screen.lines))
            self.watch(0.05)

    def sees(self, text: str, seconds: float = 20.0) -> None:
        """Watches until the text stands somewhere."""
        self.until(lambda lines: any(text in line for line in lines), seconds)

    def press(self, keys: str) -> None:
        """Sends keys as a terminal does."""
        os.write(self._file, keys.encode())

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes resident now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def ended(self) -> int:
        """Waits until the program has left by itself; its exit code."""
        with contextlib.suppress(OSError):  # the terminal closes with its last process
            while select.select([self._file], [], [], 20.0)[0] and os.read(self._file, 1 << 20):
                pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._file)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> int:
        """Stops the program; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.ended()  # it reads on: a program whose terminal nobody reads waits for ever
