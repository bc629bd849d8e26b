"""Kills server and Redis at random moments under load and counts what was answered 202 and is not there.

    python -m tests.e2e.kills --kills 300
    python -m tests.e2e.kills --kills 300 --plain         what the lean path takes
    python -m tests.e2e.kills --kills 300 --workers 3     single workers, the keeper of Redis, and all at once, too

The load and its count are those of `load.py`. Prints `N tried, M lost, K duplicated, longest gap S s`; exits 1 if
anything was lost or duplicated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.e2e.load import Load
from tests.e2e.server import ServerProcess

PLAIN_USERS = 100
PLAIN_INBOX = {"STREAM_MAXLEN": "1000", "NOTIFICATION_TTL": "2h"}  # nothing is to go by itself


class Killer:
    """A hand that kills one process or another, or all, at random moments."""

    def __init__(self, server: ServerProcess, seed: int, workers: int) -> None:
        self._server = server
        self._random = random.Random(seed)
        self._targets = (
            ("server", "redis", "both") if workers == 1 else ("worker",) * 4 + ("redis", "workers", "server")
        )

    async def kill(self, times: int) -> None:
        """Kills so many times."""
        for turn in range(times):
            await asyncio.sleep(self._random.uniform(0.05, 0.5))
            await self._kill(self._random.choice(self._targets))
            if sys.stderr.isatty():
                print(f"\r{turn + 1} of {times} kills", end="", file=sys.stderr)

    async def _kill(self, target: str) -> None:
        """Kills `worker` (one), `workers` (all), `redis`, `server` (the main process, started again) or `both`."""
        pids = list(self._server.worker_pids.values())
        if target in ("worker", "workers"):
            for pid in [self._random.choice(pids)] if pids and target == "worker" else pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if target in ("redis", "both"):
            self._server.kill_redis()
        if target in ("server", "both"):
            self._server.kill()
            await self._server.wait()
            await self._server.start()


async def run(kills: int, seed: int, folder: Path, workers: int = 1, plain: bool = False) -> int:
    """Does a run; the number of messages lost or duplicated."""
    environment = PLAIN_INBOX if plain else {}
    server = ServerProcess(folder / "data", arguments=("--workers", str(workers)), **environment)
    (folder / "data").mkdir()
    load = Load(server, plain=True, users=PLAIN_USERS, follow_every=1) if plain else Load(server)
    try:
        await server.start()
        async with load.running():
            await Killer(server, seed, workers).kill(kills)
        count = await load.count()
    finally:
        if not server.ended:  # also when the run itself breaks off: no server is left behind
            await server.stop()
    print(f"{count}; {kills} kills, {workers} workers, seed {seed}{', plain' if plain else ''}")
    return count.wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--plain", action="store_true", help="without keys, and with marks: what the lean path takes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="notifier-kills-") as folder:
        return 1 if asyncio.run(run(options.kills, options.seed, Path(folder), options.workers, options.plain)) else 0


if __name__ == "__main__":
    sys.exit(main())
