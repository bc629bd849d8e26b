"""One client in a process of its own, driven by lines of JSON: the same for Python's and the browser's.

Commands: `connect` (url, token, user_id, login; `speed`, how many times as fast time passes for it; `die`, the number
0 … 1 that its die shows, None for a real one), `read` (id), `read_all`, `pass` (seconds by
which its clock moves on), `close`.
Events: `connected`, `online` (in sync), `waiting` (delay in its own seconds, code), `stopped` (code), `closed`; `push`
(id, message, status), `read` (id), `cleared` (id), `counts` (unread, unseen, total), `error` (code), `passed`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.page.test_notifier_client import node
from tests.support import PATIENCE

HERE = Path(__file__).parent


def start(kind: str, ahead: float) -> subprocess.Popen:
    """Starts the driver of a client, `python` or `javascript`, whose wall clock is so many seconds ahead."""
    command = {
        "python": (sys.executable, "-m", "tests.behaviours.python_client"),
        # In Node.js 20 the WebSocket of browsers is there when asked for, from 22 on in any case.
        "javascript": ("--experimental-websocket", "--no-warnings", str(HERE / "javascript_client.mjs")),
    }[kind]
    if kind == "javascript":
        command = (node(), *command)
    process = subprocess.Popen(
        [*command, str(ahead)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parent.parent
    )
    os.set_blocking(process.stdout.fileno(), False)
    return process


class Driven:
    """A client from `connect` to `close`, on a driver that outlives it. `events` is all that it told."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.events: list[dict] = []
        self._process = process
        self._passed = 0
        self._rest = b""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.stdout.fileno(), self._read)

    def connect(self, url, *, token=None, user_id=1, login="alice", speed=1.0, die=None) -> None:
        """Connects, and stays connected."""
        self._say("connect", url=url, token=token, user_id=user_id, login=login, speed=speed, die=die)

    def read(self, *ids: str) -> None:
        """Marks notifications read."""
        for one in ids:
            self._say("read", id=one)

    def read_all(self) -> None:
        """Marks all read that has come."""
        self._say("read_all")

    async def let_pass(self, seconds: float) -> None:
        """Moves its monotonic clock on; timers that run do not notice."""
        self._say("pass", seconds=seconds)
        await self.until("passed")

    async def close(self) -> None:
        """Stops the client; the driver is free for the next."""
        self._say("close")
        try:
            await self.until("closed")
        finally:
            asyncio.get_running_loop().remove_reader(self._process.stdout.fileno())

    async def until(self, event: str, **facts: object) -> dict:
        """The next such event, beyond those that earlier calls have waited for."""
        wanted = {"event": event, **facts}
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    while self._passed < len(self.events):
                        self._passed += 1
                        if wanted.items() <= self.events[self._passed - 1].items():
                            return self.events[self._passed - 1]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {wanted} among {self.events}") from None

    def told(self, event: str, fact: str = "id") -> list:
        """One fact of all events of a kind, in the order in which they were told."""
        return [one[fact] for one in self.events if one["event"] == event]

    def _say(self, command: str, **facts: object) -> None:
        self._process.stdin.write(json.dumps({"do": command, **facts}).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        data = os.read(self._process.stdout.fileno(), 1 << 20)
        if not data:
            asyncio.get_running_loop().remove_reader(self._process.stdout.fileno())
            self.events.append({"event": "driver died"})
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.events += map(json.loads, lines)
        self._news.set()
