"""The title of the terminal's window or tab, put back at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from tui.safe import safe

_SAVE, _RESTORE = "\x1b[22;2t", "\x1b[23;2t"  # xterm's stack of titles; terminals without one ignore both
TITLE_MAX = 120


class Title:
    """Set by OSC 2. The terminal keeps the one that was there before."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """`write` sends to the terminal as it is, while the dashboard has it."""
        self._write = write
        self._shown = ""

    def show(self, said: str) -> None:
        """Sets it, where it is another than now."""
        said = safe(said)[:TITLE_MAX]
        if said != self._shown:
            self._write(f"{'' if self._shown else _SAVE}\x1b]2;{said}\x07")
            self._shown = said

    def restore(self, terminal: TextIO | None) -> None:
        """Puts the old one back, once the dashboard no longer has the terminal."""
        if self._shown and terminal is not None:
            terminal.write(_RESTORE)
            terminal.flush()
            self._shown = ""
