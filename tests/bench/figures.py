"""The figures that notifier is held to, measured on this machine: `make bench`.

    python -m tests.bench.figures [--repeat 3] [--only single,batch,…] [--no-shared] [--peers none]

Each part has a fresh server with its own Redis and default settings. Figures are medians. CPU per message is the firm
one; messages per second swing with what else the machine does, and the client runs on the same cores. Exit 1 when
something is not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from notifier.telemetry.metrics import SECONDS, quantile_of
from tests.bench.measure import ROOT, SHARED, Generator, machine, pace, subject

USERS = ("--subs", 1000)
SINGLE = (*USERS, "--pubs", 64, "--window", 256)
BATCH = (*USERS, "--pubs", 8, "--targets", 100, "--window", 800)
CONNECTIONS = 10_000
STORM, UNREAD, BYSTANDERS = 5_000, 100, 100
PEERS = {"centrifuge_redis": 1.0, "nchan_redis": 1.8, "socketio": 3.0, "mosquitto": 0.3}  # their rate times this


class Row(NamedTuple):
    """One line of the table: `most` or `least` is what is to be reached."""

    title: str
    unit: str
    values: list[float]
    most: float | None = None
    least: float | None = None

    @property
    def reached(self) -> bool:
        """True where the median is within its bar."""
        value = statistics.median(self.values)
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def line(self) -> str:
        """As it is printed."""
        values = sorted(self.values)
        span = f" [{number(values[0])}-{number(values[-1])}]" if len(values) > 1 else ""
        goal = f"<= {number(self.most)}" if self.most is not None else f">= {number(self.least or 0)}"
        verdict = "pass" if self.reached else "FAIL"
        measured = f"{number(statistics.median(values))} {self.unit}{span}"
        return f"{self.title:<62}{measured:<34}{goal:<12}{verdict}"


def number(value: float) -> str:
    """A figure in as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Bench:
    """One run over all parts."""

    def __init__(self, generator: Generator, repeat: int, secs: float) -> None:
        self._generator = generator
        self._repeat = repeat
        self._secs = ("--secs", secs, "--warm", 1)
        self.singles: list[dict[str, float]] = []

    async def single(self) -> list[Row]:
        """One user a request, as fast as it goes."""
        for _ in range(self._repeat):
            async with subject(self._generator) as one:
                self.singles.append(await one.load(*SINGLE, *self._secs))
        return [
            Row("server CPU per message, single-target requests, at max", "us", pick(self.singles, "srv_us"), most=80),
            Row("Redis CPU per message", "us", pick(self.singles, "redis_us"), most=42),
            Row("acknowledged messages/s, single target", "/s", pick(self.singles, "deliver_s"), least=10_000),
        ]

    async def batch(self) -> list[Row]:
        """A hundred users a request."""
        found = []
        for _ in range(self._repeat):
            async with subject(self._generator) as one:
                found.append(await one.load(*BATCH, *self._secs))
        return [
            Row("server CPU per message, 100 targets a request", "us", pick(found, "srv_us"), most=55),
            Row("acknowledged messages/s, 100 targets", "/s", pick(found, "deliver_s"), least=13_000),
        ]

    async def rate(self) -> list[Row]:
        """A steady thousand a second."""
        found = []
        for _ in range(self._repeat):
            async with subject(self._generator) as one:
                found.append(await one.load(*USERS, "--pubs", 32, "--rate", 1000, *self._secs))
        return [
            Row("p50 at 1,000 messages/s", "ms", pick(found, "p50_ms"), most=0.6),
            Row("p99 at 1,000 messages/s", "ms", pick(found, "p99_ms"), most=3),
        ]

    async def lag(self) -> list[Row]:
        """The event loop's lateness at half of max, as the server's own metric has it."""
        top = statistics.median(pick(self.singles, "deliver_s")) if self.singles else 10_000
        async with subject(self._generator) as one:
            # Few senders: one that had no turn for long would meet the end of its connection's idle time.
            options = (*USERS, "--pubs", 8, "--rate", round(top / 2), "--secs", 20, "--warm", 1)
            before = one.server.get_metrics()
            found = await one.load(*options)
            after = one.server.get_metrics()
        name = 'event_loop_lag_seconds_bucket{le="'
        grown = {
            float(key.removeprefix(name).rstrip('"}')): value - before[key]
            for key, value in after.items()
            if key.startswith(name)
        }
        counts = [grown[edge] for edge in sorted(grown)]
        each = [round(count - before) for count, before in zip(counts, [0.0, *counts], strict=False)]
        late = quantile_of(SECONDS, each, 0.99) * 1000
        return [Row(f"event-loop lag, p99, at half of max ({number(found['deliver_s'])}/s)", "ms", [late], most=20)]

    async def idle(self) -> list[Row]:
        """Memory of a server that does nothing, and of connections that do nothing."""
        async with subject(self._generator) as one:
            await asyncio.sleep(2)
            idle = one.memory()
            async with one.generator("--subs", CONNECTIONS, "--pubs", 0):
                await asyncio.sleep(1)
                each = (one.memory() - idle) * 1024 / CONNECTIONS
        return [
            Row(f"memory per idle connection, {CONNECTIONS:,} connections", "KiB", [each], most=6),
            Row("idle memory, Redis apart", "MiB", [idle], most=45),
        ]

    async def offline(self) -> list[Row]:
        """Requests for users who are not connected."""
        found = []
        options = ("--offline", "--users", 1000, "--first", 100_000, "--pubs", 256)
        for _ in range(self._repeat):
            async with subject(self._generator) as one:
                found.append(await one.load(*options, *self._secs))
        title = "accepted single-target requests/s for offline users"
        return [Row(title, "/s", pick(found, "accept_s"), least=12_000)]

    async def storm(self) -> list[Row]:
        """Thousands connect at once, each with a full inbox, while others go on being sent theirs."""
        async with subject(self._generator) as one:
            first = 100_000
            await one.fill(first, STORM, UNREAD)
            async with one.generator("--subs", BYSTANDERS, "--pubs", 8, "--rate", 200, "--secs", 20, "--warm", 0) as (
                others,
                _,
            ):
                work = asyncio.create_task(others.communicate(b"\n"))
                async with one.generator("--subs", STORM, "--first", first, "--pubs", 0) as (_, ready):
                    output, _ = await work
        slowest = json.loads(output)["max_ms"]
        return [
            Row(f"{STORM:,} sockets with {UNREAD} unread each: all synced", "s", [ready["connect_s"]], most=20),
            Row("  slowest push to others meanwhile", "ms", [slowest], most=250),
        ]

    async def workers(self) -> list[Row]:
        """Two processes beside one; store and client on the same cores."""
        ratios = []
        for _ in range(self._repeat):
            rates = []
            for count in ("1", "2"):
                async with subject(self._generator, "--workers", count) as one:
                    rates.append((await one.load(*SINGLE, *self._secs))["deliver_s"])
            ratios.append(rates[1] / rates[0])
        return [Row("--workers 2 against 1", "x", ratios, least=1.3)]


def pick(found: list[dict[str, float]], name: str) -> list[float]:
    """One figure of all runs."""
    return [one[name] for one in found]


def peers(repeat: int, secs: float, wanted: str) -> tuple[list[Row], list[str]]:
    """Rows of ratios to other servers in one run of the shared comparison, and what could not be measured."""
    names = list(PEERS) if wanted == "all" else [name for name in wanted.split(",") if name in PEERS]
    script = SHARED / "run.py"
    if not names or not script.exists():
        return [], list(PEERS)
    server = f"env PYTHONPATH={ROOT} {sys.executable} -m notifier serve --addr 127.0.0.1:{{port}} --redis-addr unix://{{redis}}"
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, script, "--targets", ",".join(["notifier", *names]), "--scenarios", "max"]
        command += ["--repeat", str(repeat), "--secs", str(secs), "--json", file.name, "--cmd", server]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        print(*(line for line in done.stdout.splitlines() if line.startswith("FAILED")), sep="\n", end="")
        found = json.loads(Path(file.name).read_text() or "{}")
    ours = found.get("notifier", {}).get("max_deliver_s", [])
    rows, missing = [], []
    for name, least in PEERS.items():
        theirs = found.get(name, {}).get("max_deliver_s", [])
        if ours and theirs:
            ratio = statistics.median(ours) / statistics.median(theirs)
            rows.append(Row(f"max against {name}, in one run", "x", [ratio], least=least))
        else:
            missing.append(name)
    return rows, missing


async def measure(bench: Bench, wanted: list[str]) -> list[Row]:
    """Runs the parts wanted, one after the other; each row is printed when it is there."""
    parts: dict[str, Callable[[], Awaitable[list[Row]]]] = {
        name: getattr(bench, name) for name in ("single", "batch", "rate", "lag", "idle", "offline", "storm", "workers")
    }
    rows: list[Row] = []
    for name, part in parts.items():
        if name in wanted or not wanted:
            found = await part()
            rows += found
            print(*(row.line() for row in found), sep="\n", flush=True)
    return rows


def main() -> int:
    """Prints the table; 1 when something is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--secs", type=float, default=4.0, help="seconds measured in each run")
    parser.add_argument("--only", default="", help="parts, separated by commas")
    parser.add_argument("--no-shared", action="store_true", help="the generator in Python although there is another")
    parser.add_argument("--peers", default="all", help="`none`, or names separated by commas")
    chosen = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = [name for name in chosen.only.split(",") if name]
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        generator = Generator(Path(folder), None) if chosen.no_shared else Generator(Path(folder))
        print(f"{machine()}\nload by {generator.name}; median [least-most] of {chosen.repeat}")
        print(f"load average before: {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d')}; {pace()}\n", flush=True)
        print(f"{'figure':<62}{'measured':<34}{'to reach':<12}")
        rows = asyncio.run(measure(Bench(generator, chosen.repeat, chosen.secs), wanted))
    if not wanted or "peers" in wanted:
        ratios, missing = peers(chosen.repeat, chosen.secs, chosen.peers)
        print(*(row.line() for row in ratios), sep="\n")
        print(*(f"max against {name:<50}not measured here" for name in missing), sep="\n")
        rows += ratios
    failed = sum(not row.reached for row in rows)
    print(f"\n{len(rows) - failed} of {len(rows)} reached; now {pace()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
