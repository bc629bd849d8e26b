"""The figures that notifier is held to, measured on this machine: `make bench`.

    python -m tests.bench.figures [--repeat 3] [--only single,batch,…] [--no-shared] [--peers none]

Each part has a fresh server with its own Redis and default settings. Figures are medians. CPU per message is the firm
one; messages per second swing with what else the machine does, and the client runs on the same cores. What is measured
of both forms (plain: this checkout; compiled: the executable, once `make build` has made it) and of other servers takes
turns with them, round by round. Exit 1 when something is not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from notifier.telemetry.metrics import SECONDS, quantile_of
from tests.bench.measure import EXECUTABLE, Generator, forms, machine, pace, subject
from tests.bench.peers import compare
from tests.bench.row import Row, number

USERS = ("--subs", 1000)
SINGLE = (*USERS, "--pubs", 64, "--window", 256)
BATCH = (*USERS, "--pubs", 8, "--targets", 100, "--window", 800)
CONNECTIONS = 10_000
STORM, UNREAD, BYSTANDERS = 5_000, 100, 100
# The most of server and Redis, of the server, of Redis, in us; of both 0.55 and 0.60 of what they took before.
MOST = {"single": (152, 80, 42), "batch": (103, 55, None)}


class Bench:
    """One run over all parts."""

    def __init__(self, generator: Generator, repeat: int, secs: float) -> None:
        self._generator = generator
        self._repeat = repeat
        self._secs = ("--secs", secs, "--warm", 1)
        self.singles: list[dict[str, float]] = []

    async def single(self) -> list[Row]:
        """One user a request, as fast as it goes."""
        found = await self._of_each_form(*SINGLE)
        self.singles = found["plain"]
        return [*_costs("single", found), *_rates("single target", found, 10_000)]

    async def batch(self) -> list[Row]:
        """A hundred users a request."""
        found = await self._of_each_form(*BATCH)
        return [*_costs("batch", found), *_rates("100 targets", found, 13_000)]

    async def _of_each_form(self, *options: object) -> dict[str, list[dict[str, float]]]:
        found: dict[str, list[dict[str, float]]] = {form: [] for form in forms()}
        for _ in range(self._repeat):
            for form, program in forms().items():
                async with subject(self._generator, program=program) as one:
                    found[form].append(await one.load(*options, *self._secs))
        return found

    async def rate(self) -> list[Row]:
        """A steady thousand a second."""
        found = await self._of_each_form(*USERS, "--pubs", 32, "--rate", 1000)
        return [
            Row(f"{share} at 1,000 messages/s, {form}", "ms", pick(runs, f"{share}_ms"), most=most)
            for form, runs in found.items()
            for share, most in (("p50", 0.6), ("p99", 3))
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
        rows = []
        for form, program in forms().items():
            async with subject(self._generator, program=program) as one:
                await asyncio.sleep(2)
                idle = one.memory()
                async with one.generator("--subs", CONNECTIONS, "--pubs", 0):
                    await asyncio.sleep(1)
                    each = (one.memory() - idle) * 1024 / CONNECTIONS
            rows.append(Row(f"memory per idle connection of {CONNECTIONS:,}, {form}", "KiB", [each], most=4))
            rows.append(Row(f"idle memory, Redis apart, {form}", "MiB", [idle], most=45))
        return rows

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


def _costs(kind: str, found: dict[str, list[dict[str, float]]]) -> list[Row]:
    """CPU of each form per message: of the server and its Redis, and of each of the two."""
    rows = []
    for form, runs in found.items():
        server, redis = pick(runs, "srv_us"), pick(runs, "redis_us")
        both = [sum(pair) for pair in zip(server, redis, strict=True)]
        title = f"CPU per message, {'one target' if kind == 'single' else '100 targets'} a request, {form}"
        parts = zip((title, "  of it the server", "  of it Redis"), (both, server, redis), MOST[kind], strict=True)
        rows += [Row(name, "us", values, most=most) for name, values, most in parts]
    return rows


def _rates(what: str, found: dict[str, list[dict[str, float]]], least: float) -> list[Row]:
    return [
        Row(f"acknowledged messages/s, {what}, {form}", "/s", pick(runs, "deliver_s"), least=least)
        for form, runs in found.items()
    ]


def pick(found: list[dict[str, float]], name: str) -> list[float]:
    """One figure of all runs."""
    return [one[name] for one in found]


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
    if not EXECUTABLE.exists():
        print(f"{'the compiled form':<62}not measured: make build makes it")
    if not wanted or "peers" in wanted:
        with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
            rows += compare(chosen.repeat, chosen.secs, chosen.peers, Path(folder))
    failed = sum(not row.reached for row in rows)
    print(f"\n{len(rows) - failed} of {len(rows)} reached; now {pace()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
