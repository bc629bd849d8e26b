"""CPU per message as the work grows: `make bench-scaling`.

    python -m tests.bench.scaling [--repeat 3] [--no-shared]

Each line changes one thing and leaves the rest: 1,000 users online and known, empty inboxes, 200 characters. Each run has
a fresh server, and loads it as fast as it goes, one user a request. Medians.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.bench.measure import Generator, machine, subject


class Step(NamedTuple):
    """One size: users known beside those online, users online, unread in each inbox, characters of a message."""

    title: str
    known: int = 0
    online: int = 1000
    depth: int = 0
    size: int = 200


BASE = Step("1,000 users, empty inboxes, 200 characters")
STEPS = (
    BASE,
    Step("100,000 users known", known=100_000),
    Step("10,000 users online", online=10_000),
    Step("100 notifications in each inbox", depth=100),
    Step("messages of 100 characters", size=100),
    Step("messages of 8,192 characters", size=8192),
)


async def cost(generator: Generator, step: Step, secs: float) -> tuple[float, float, float]:
    """CPU of server and of Redis per message (us), and messages a second."""
    async with subject(generator) as one:
        if step.known:
            await one.fill(1_000_000, step.known, 1)
        if step.depth:
            await one.fill(1, step.online, step.depth)
        options = ("--subs", step.online, "--pubs", 64, "--window", 256, "--size", step.size)
        found = await one.load(*options, "--secs", secs, "--warm", 1)
        return found["srv_us"], found["redis_us"], found["deliver_s"]


async def run(generator: Generator, repeat: int, secs: float) -> None:
    """Prints the table."""
    print(f"{'':46}{'server us':>12}{'Redis us':>12}{'messages/s':>12}{'server':>10}{'Redis':>8}")
    base: tuple[float, ...] = ()
    for step in STEPS:
        runs = [await cost(generator, step, secs) for _ in range(repeat)]
        server, redis, rate = (statistics.median(column) for column in zip(*runs, strict=True))
        base = base or (server, redis)
        ratios = f"{server / base[0]:9.2f}x{redis / base[1]:7.2f}x"
        print(f"{step.title:46}{server:12.1f}{redis:12.1f}{rate:12,.0f}{ratios}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--secs", type=float, default=4.0)
    parser.add_argument("--no-shared", action="store_true", help="the generator in Python although there is another")
    chosen = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        generator = Generator(Path(folder), None) if chosen.no_shared else Generator(Path(folder))
        print(f"{machine()}\nload by {generator.name}; median of {chosen.repeat}\n")
        asyncio.run(run(generator, chosen.repeat, chosen.secs))


if __name__ == "__main__":
    sys.exit(main())
