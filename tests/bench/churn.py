"""Memory while users come, are sent something, read it and leave: `make bench-churn ARGS="--minutes 60"`.

Each cycle brings other users, so whatever is kept per user shows. Prints a line now and then; exit 1 when the memory of
the last third is more than 2 MiB above that of the third before.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measure import Generator, Subject, subject

USERS = 500
LINES = 20
GROWTH = 2.0  # MiB
LIFE = "5s"  # of a notification: what a cycle has stored goes while later ones run


async def cycle(one: Subject, number: int) -> int:
    """So many users come, read what they are sent for a second, and leave; the messages delivered."""
    first = 1 + number * USERS
    found = await one.load("--subs", USERS, "--first", first, "--pubs", 8, "--rate", 1000, "--secs", 1, "--warm", 0)
    return int(found["delivered"])


async def run(generator: Generator, minutes: float) -> list[float]:
    """The memory (MiB) after each cycle."""
    memory: list[float] = []
    delivered, begun, said = 0, time.monotonic(), -1
    async with subject(generator, NOTIFICATION_TTL=LIFE, JANITOR_INTERVAL="1s") as one:
        print(f"{'minutes':>8}{'cycles':>8}{'messages':>10}{'server MiB':>12}{'Redis MiB':>11}")
        while (passed := (time.monotonic() - begun) / 60) < minutes:
            delivered += await cycle(one, len(memory))
            memory.append(one.memory())
            if (part := int(passed / minutes * LINES)) != said:
                said = part
                redis = one.redis_memory()
                print(f"{passed:8.1f}{len(memory):8}{delivered:10,}{memory[-1]:12.1f}{redis:11.1f}", flush=True)
    return memory


def main() -> int:
    """Prints what grows; 1 when something does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        memory = asyncio.run(run(Generator(Path(folder), None), chosen.minutes))
    third = len(memory) // 3
    middle, last = (statistics.median(memory[part : part + third]) for part in (third, 2 * third))
    flat = last - middle <= GROWTH
    print(f"middle third {middle:.1f} MiB, last third {last:.1f} MiB: {'flat' if flat else 'GROWS'}")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
