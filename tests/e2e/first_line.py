"""The first line of the dashboard, read off a terminal while other things happen."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.e2e.screen import Terminal

COLUMNS, LINES = 120, 30
EVERY = 0.05  # seconds between two looks
TOLD = re.compile(r"✓ no problems|[✕▲] \d+ problem")  # the line knows how things are


class FirstLine:
    """`notifier tui` on one server. A thread draws what it writes, since a terminal that nobody reads stops it."""

    def __init__(self, url: str) -> None:
        self._terminal = Terminal([sys.executable, "-m", "notifier", "tui", "--url", url], COLUMNS, LINES)
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._over = False
        self.text = ""

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._terminal.close)

    async def names(self, words: str, patience: float) -> float:
        """Seconds until the line says so; `TimeoutError` with what it says where that is too late."""
        return await self._until(lambda line: words in line, patience)

    async def is_rid_of(self, words: str, patience: float) -> float:
        """Seconds until the line says how things are, and these words are not in it."""
        return await self._until(lambda line: words not in line and TOLD.search(line) is not None, patience)

    async def _until(self, holds: Callable[[str], bool], patience: float) -> float:
        begun = time.monotonic()
        while not holds(self.text):
            if time.monotonic() - begun > patience:
                raise TimeoutError(f"after {patience:g} s the first line says {self.text!r}")
            await asyncio.sleep(EVERY)
        return time.monotonic() - begun

    def _draw(self) -> None:
        """Takes over the line when a frame is whole: nothing more was written for a moment."""
        while not self._over:
            written = self._terminal.written
            self._terminal.watch(EVERY)
            if self._terminal.written == written:
                self.text = self._terminal.screen.lines[0]
