"""Measures the dashboard in a pseudo-terminal of its own, against a fake server in a process of its own.

    python -m tests.bench.tui_latency [--seconds 15] [--events 1000] [--notifications 10000]

Prints: CPU and bytes written while idle, then the time from a key to its effect on the screen (ms) while events and
notifications come in. Exit 1 where a bound of the dashboard is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from fcntl import ioctl
from multiprocessing.connection import Connection
from pathlib import Path

from tests.tui.fake_server import FakeServer, small_cluster

ROOT = Path(__file__).resolve().parents[2]
COLUMNS, LINES = 120, 36
BURSTS = 20  # a second
KEYS = (
    ("4", "unread notifications"),
    ("j", "›"),
    ("j", "›"),
    ("k", "›"),
    ("/", "keep filter"),
    ("7", " of 10,"),
    ("\x7f", "unread notifications"),
    ("\r", "open"),
    ("7", "newest first"),
    ("2", "connections"),
    ("j", "›"),
    ("3", "users"),
    ("1", "Latency"),
)
IDLE_MAX, LATENCY_MAX = 5.0, 100.0  # per cent of a core, ms


def serve(pipe: Connection, events: int, notifications: int) -> None:
    """The fake server's process: tells its port; floods from the moment it is told to."""
    asyncio.run(_serve(pipe, events, notifications))


async def _serve(pipe: Connection, events: int, notifications: int) -> None:
    cluster = small_cluster()
    for number in range(notifications):
        cluster.store(f"{10 + number % 500}-user{number % 500}", f"notification {number}")
    for number in range(300):
        cluster.connect(f"{10 + number}-user{number}")
    async with FakeServer(cluster) as server:
        pipe.send(server.port)
        while not pipe.poll():
            await asyncio.sleep(0.05)
        pipe.recv()
        while not pipe.poll():
            facts = {"user_id": 12, "login": "user2", "notification_id": "0" * 32, "source": "orders"}
            server.emit("notification.stored", events // BURSTS, **facts, message="what is coming in")
            await asyncio.sleep(1 / BURSTS)


class Terminal:
    """The dashboard in a pseudo-terminal."""

    def __init__(self, url: str) -> None:
        self.written = 0
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-c", f"from tui.run import run; run({url!r}, None, True)"])
        ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))

    def read(self, seconds: float) -> bytes:
        """The bytes written within this time, or as soon as there are some."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        block = os.read(self._file, 1 << 20) if ready else b""
        self.written += len(block)
        return block

    def drain(self, seconds: float) -> None:
        """Reads for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(left)

    def effect(self, key: str, sign: str, deadline: float = 5.0) -> float:
        """Presses a key; milliseconds until what is written since then holds the sign."""
        began = time.monotonic()
        os.write(self._file, key.encode())
        seen = b""
        while sign.encode() not in seen:
            left = began + deadline - time.monotonic()
            if left <= 0:
                raise SystemExit(f"{key!r} did not bring {sign!r}")
            seen += self.read(left)
        return (time.monotonic() - began) * 1000

    def cpu(self) -> float:
        """Seconds of CPU used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Kills the dashboard and closes its terminal."""
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)


def idle(terminal: Terminal, seconds: float) -> float:
    """Per cent of a core over so many seconds; says what was written."""
    terminal.drain(5)
    before, written = terminal.cpu(), terminal.written
    terminal.drain(seconds)
    used = (terminal.cpu() - before) / seconds * 100
    print(f"idle      {used:.1f} % of a core, {(terminal.written - written) / seconds:,.0f} bytes/s written")
    return used


def busy(terminal: Terminal, rounds: int) -> float:
    """The median over all keys."""
    terminal.drain(3)
    found: list[float] = []
    slowest: tuple[float, str] = (0.0, "")
    before, began = terminal.cpu(), time.monotonic()
    for _ in range(rounds):
        for key, sign in KEYS:
            found.append(terminal.effect(key, sign))
            slowest = max(slowest, (found[-1], key))
            terminal.drain(0.35)
    share = (terminal.cpu() - before) / (time.monotonic() - began) * 100
    ordered = sorted(found)
    p95, worst = ordered[int(len(ordered) * 0.95)], ordered[-1]
    print(
        f"flooded   key to effect: median {statistics.median(found):.0f} ms, p95 {p95:.0f} ms, worst {worst:.0f} ms ({slowest[1]!r})"
    )
    print(f"          {len(found)} keys, {share:.0f} % of a core meanwhile")
    return statistics.median(found)


def main() -> int:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--notifications", type=int, default=10_000)  # fewer, and the filter's sign is another
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs, chosen.events, chosen.notifications), daemon=True)
    server.start()
    terminal = Terminal(f"http://127.0.0.1:{ours.recv()}")
    try:
        used = idle(terminal, chosen.seconds)
        ours.send("flood")
        median = busy(terminal, chosen.rounds)
    finally:
        terminal.close()
        ours.send("stop")
        server.join(5)
    return 0 if used < IDLE_MAX and median < LATENCY_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
