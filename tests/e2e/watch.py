"""A dashboard that is left open under life: it keeps its selection, and takes little of a core.

    python -m tests.e2e.watch [--minutes 60] [--events 1000] [--result FILE]

A server under life (`tests/e2e/life.py`) and the dashboard in a terminal of 200×50 cells. First it is idle: users are
connected, and nothing happens. Then life; in every fifth minute events come at full rate. All the while the views
change, and in each the selected row must be the one that was selected, or the screen must say that it is gone.
Exits 1 where a bound is missed or a selection moved.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiohttp

from tests.e2e.life import NAMES, USERS, living
from tests.e2e.screen import Terminal

COLUMNS, LINES = 200, 50
IDLE_MAX, BUSY_MAX = 5.0, 15.0  # per cent of a core
FLOOD_EVERY = 5  # minutes: the last of each five is flooded
TURN = 20.0  # seconds that a view stays in front
GONE = "the selected row is gone"


class Watched(NamedTuple):
    """A view: its key, the keys that select a row deep in it, and the part of a row, or the groups, that name it."""

    key: str
    select: str
    name: re.Pattern[str]

    def named(self, lines: list[str]) -> str:
        """The name of the row selected on this screen; nothing where none is in sight."""
        row = next((line for line in reversed(lines) if "›" in line[:2]), "")
        found = self.name.search(row)
        return "" if found is None else " ".join(found.groups()) or found[0]


VIEWS = (
    Watched("9", "\x1b[6~" * 5, re.compile(r"user\d+@\S+|device-\d+|\+90555\d+|hooks/\d+")),
    # By time and user: a notification expires in its place, unread, and its message then is "(expired)" until the
    # janitor removes it.
    Watched("4", "\x1b[6~" * 2, re.compile(r"(\d\d:\d\d:\d\d)\s.*?\s(\d+-\S+)")),
    Watched("2", "jjjjjjjj", re.compile(r"\d+-\w+")),
    Watched("7", "jjjjj", re.compile(r"order \d+|[0-9a-f]{8}\b")),
    Watched("3", "jjjjjjjjjjjj", re.compile(r"\d+-\w+")),
    Watched("0", "\t\x1b[6~", re.compile(r"user\d+@\S+|device-\d+|\+90555\d+|hooks/\d+")),
)


@dataclass
class Found:
    """The figures seen: shares of a core by phase, and what became of selections."""

    shares: dict[str, list[float]] = field(default_factory=dict)
    looks: int = 0
    gone: int = 0
    moved: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def share(self, phase: str) -> float:
        """The mean of a phase, in per cent of a core."""
        values = self.shares.get(phase, [])
        return sum(values) / len(values) if values else 0.0

    @property
    def fine(self) -> bool:
        """True where no bound was missed."""
        kept = self.share("idle") < IDLE_MAX and self.share("flooded") < BUSY_MAX
        return kept and not self.moved and self.looks > 0

    def told(self) -> dict[str, object]:
        """All of it in figures."""
        return {
            "pass": self.fine,
            "cpu_percent": {phase: round(self.share(phase), 2) for phase in self.shares},
            "cpu_percent_worst": {phase: round(max(values), 2) for phase, values in self.shares.items()},
            "events_per_second_flooded": [round(rate) for rate in self.rates],
            "looks": self.looks,
            "rows_gone_and_said_so": self.gone,
            "selections_that_moved": self.moved[:20],
            "memory_mib": [round(size / 2**20, 1) for size in (self.memory[0], max(self.memory), self.memory[-1])],
        }


class Watch:
    """One dashboard, watched from a thread: reading a terminal waits."""

    def __init__(self, url: str, minutes: float) -> None:
        command = [sys.executable, "-m", "notifier", "tui", "--url", url]
        self.terminal = Terminal(command, COLUMNS, LINES)
        self.found = Found()
        self.phase = "idle"
        self._until = time.monotonic() + 60 * minutes
        self._selected: dict[str, str] = {}

    def run(self) -> None:
        """Watches until the time is over."""
        self.terminal.sees("Instances")
        self.terminal.watch(10)  # starting takes more than watching
        while time.monotonic() < self._until:
            for view in VIEWS:
                self._turn(view)
        self.found.memory.append(self.terminal.memory())

    def _turn(self, view: Watched) -> None:
        self.terminal.press(view.key)
        self.terminal.watch(2)
        for _ in self._measured():
            if view.key not in self._selected or GONE in "\n".join(self.terminal.screen.lines):
                self._select(view)
            self.terminal.watch(TURN / 4)
            self._look(view)

    def _measured(self) -> Iterator[int]:
        """Four looks, and the share of a core that they took."""
        phase, before, began = self.phase, self.terminal.cpu(), time.monotonic()
        yield from range(4)
        self.found.memory.append(self.terminal.memory())
        if phase == self.phase:
            share = (self.terminal.cpu() - before) / (time.monotonic() - began) * 100
            self.found.shares.setdefault(phase, []).append(share)

    def _select(self, view: Watched) -> None:
        self.terminal.press(view.select)
        self.terminal.watch(1.5)
        if name := view.named(self.terminal.screen.lines):
            self._selected[view.key] = name

    def _look(self, view: Watched) -> None:
        if view.key not in self._selected:
            return
        self.found.looks += 1
        lines = self.terminal.screen.lines
        if any(GONE in line for line in lines):
            self.found.gone += 1
            del self._selected[view.key]
        elif (name := view.named(lines)) != self._selected[view.key]:
            self.found.moved.append(f"{view.key}: {self._selected[view.key]} became {name or 'nothing'}")
            self._selected.pop(view.key)


async def _flood(http: aiohttp.ClientSession, url: str, events: int) -> None:
    """Notifications to all users at once, each of which makes some two events and a half: stored, pushed, read."""
    many = USERS - 8
    target = [{"id": number + 1, "login": NAMES[number % len(NAMES)]} for number in range(many)]
    body = {"target": target, "message": "order 0 of everybody", "source": "flood"}

    async def send() -> None:
        with contextlib.suppress(aiohttp.ClientError):
            async with http.post(f"{url}/api/v1/notify", json=body) as answer:
                await answer.read()

    due = time.monotonic()
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(send())
            due += many * 2.5 / events
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _happened(http: aiohttp.ClientSession, url: str) -> int:
    """The number of events so far that notifications made."""
    async with http.get(f"{url}/api/v1/metrics") as answer:
        found = await answer.json()
        return sum(found[name] for name in ("sent", "pushed", "acked"))


async def _weather(watch: Watch, url: str, events: int) -> None:
    """Life, and in every fifth minute the flood."""
    async with aiohttp.ClientSession() as http:
        while True:
            watch.phase = "life"
            await asyncio.sleep(60 * (FLOOD_EVERY - 1))
            watch.phase = "flooded"
            before, began = await _happened(http, url), time.monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(60):
                    await _flood(http, url, events)
            watch.found.rates.append((await _happened(http, url) - before) / (time.monotonic() - began))


async def watched(minutes: float, events: int, folder: Path) -> Found:
    """Runs server, life and dashboard."""
    async with living(folder / "data", rate=4.0, calm=60.0) as server:
        watch = Watch(server.url, minutes)
        running = asyncio.create_task(asyncio.to_thread(watch.run))
        weather = asyncio.create_task(_later(60.0, watch, server.url, events))
        try:
            await running
        finally:
            weather.cancel()
            watch.terminal.close()
        return watch.found


async def _later(seconds: float, watch: Watch, url: str, events: int) -> None:
    await asyncio.sleep(seconds)
    await _weather(watch, url, events)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--result", type=Path)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server ends too
    with tempfile.TemporaryDirectory(prefix="notifier-watch-") as folder:
        found = asyncio.run(watched(given.minutes, given.events, Path(folder)))
    said = json.dumps(found.told(), ensure_ascii=False, indent=2)
    print(said)
    if given.result:
        given.result.write_text(said + "\n")
    return 0 if found.fine else 1


if __name__ == "__main__":
    sys.exit(main())
