"""Faults of an external Redis, one after the other under load, and what the program makes of them.

    python -m tests.e2e.store_faults [--seconds 5] [down paused slow slower cut memory disk replicas]

During each fault a request must be answered 503 within about a second and `/health` at once; afterwards the program
must accept again by itself within about a second. Prints a line per fault:
`N tried, M lost, K duplicated, longest gap S s; <what was done and seen>`; exits 1 if anything was lost or duplicated,
or took longer than `LIMIT`.

The full disk is a limit on the size of files that the running Redis is given (`RLIMIT_FSIZE`): its writes fail as they
do on a full disk, and nobody needs to be root. With `appendfsync always` Redis would end itself then, so it runs with
`everysec` meanwhile; with all other faults it is `always`.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp

from tests.e2e.load import Load
from tests.e2e.proxy import Proxy
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port

SECONDS = 5.0
LIMIT = 2.0  # seconds at which a fault run fails; the promise is 1, and the load runs on the same cores
BEFORE = 0.3
LOOK_EVERY = 0.05
SLOW = (0.2, 0.7)
RECOVER_WITHIN = 30.0  # seconds after which a run gives up
TIMES = {"paused": 2}  # what lasts longer than the rest
LOADS_APART = 1_000_000  # users of one fault's load are not those of another's


class Store:
    """One Redis behind a proxy, and what can be done to it. Each fault is a pair: how it begins and how it ends."""

    def __init__(self, folder: Path) -> None:
        self._servers = RedisServers(folder)
        self._port = free_port()
        self.proxy = Proxy(self._port)

    async def open(self) -> None:
        """Starts both; the Redis with an append-only file that is written through at each command."""
        self._start()
        await self._ask("PING")
        await self.proxy.open()

    async def close(self) -> None:
        """Stops both."""
        await self.proxy.cut()
        self._servers.stop()

    def _start(self) -> None:
        self._servers.start(self._port, "--appendonly", "yes", "--appendfsync", "always", "--save", "")

    async def _ask(self, *command: object) -> None:
        reply = await self._servers.ask(self._port, *command)
        assert reply in (b"OK", b"PONG"), reply

    async def kill(self) -> None:
        self._servers.kill(self._port)

    async def start_again(self) -> None:
        self._start()
        await self._ask("PING")

    async def pause(self) -> None:
        self._servers.pause(self._port)

    async def resume(self) -> None:
        self._servers.resume(self._port)

    async def slow_replies(self) -> None:
        self.proxy.reply_delay = SLOW

    async def slow_down(self) -> None:
        self.proxy.delay = self.proxy.reply_delay = SLOW

    async def speed_up(self) -> None:
        self.proxy.delay = self.proxy.reply_delay = (0.0, 0.0)

    async def cut(self) -> None:
        await self.proxy.cut()

    async def mend(self) -> None:
        await self.proxy.open()

    async def fill_memory(self) -> None:
        await self._ask("CONFIG", "SET", "maxmemory", "1mb")

    async def free_memory(self) -> None:
        await self._ask("CONFIG", "SET", "maxmemory", "0")

    async def ask_for_replicas(self) -> None:
        await self._ask("CONFIG", "SET", "min-replicas-to-write", "1")

    async def do_without_replicas(self) -> None:
        await self._ask("CONFIG", "SET", "min-replicas-to-write", "0")

    async def fill_disk(self) -> None:
        await self._ask("CONFIG", "SET", "appendfsync", "everysec")
        self._limit_files(1)

    async def free_disk(self) -> None:
        self._limit_files(resource.RLIM_INFINITY)

    def _limit_files(self, size: int) -> None:
        pid = self._servers.processes[self._port].pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


Act = Callable[[Store], Awaitable[None]]
FAULTS: dict[str, tuple[str, Act, Act]] = {
    "down": ("killed with SIGKILL, started again", Store.kill, Store.start_again),
    "paused": ("paused", Store.pause, Store.resume),
    "slow": (f"replies {SLOW[0]:g}-{SLOW[1]:g} s late", Store.slow_replies, Store.speed_up),
    "slower": (f"every byte {SLOW[0]:g}-{SLOW[1]:g} s late, both ways", Store.slow_down, Store.speed_up),
    "cut": ("connections reset, then refused", Store.cut, Store.mend),
    "memory": ("out of memory", Store.fill_memory, Store.free_memory),
    "disk": ("disk full (RLIMIT_FSIZE)", Store.fill_disk, Store.free_disk),
    "replicas": ("min-replicas-to-write 1 and none there", Store.ask_for_replicas, Store.do_without_replicas),
}


class HealthWatch:
    """Asks for `/health` all the time: what it says, and how long it takes at the most."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self.said: Counter[str] = Counter()
        self.slowest = 0.0

    async def watch(self) -> None:
        """Goes on until it is cancelled."""
        async with aiohttp.ClientSession() as http:
            while True:
                begun = time.monotonic()
                async with http.get(f"{self._server.url}/health") as answer:
                    body = await answer.json()
                    assert answer.status == (503 if body["status"] == "unavailable" else 200)
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.said[body["status"]] += 1
                await asyncio.sleep(LOOK_EVERY)


async def undergo(fault: str, store: Store, server: ServerProcess, seconds: float) -> bool:
    """Makes a fault come and go under load, and prints what was seen; true where all promises were kept."""
    what, begin, end = FAULTS[fault]
    seconds *= TIMES.get(fault, 1)
    load = Load(server, senders=8, first_user=1 + LOADS_APART * list(FAULTS).index(fault))
    health = HealthWatch(server)
    async with load.running():
        await asyncio.sleep(BEFORE)
        began = time.monotonic()
        await begin(store)
        watching = asyncio.create_task(health.watch())
        await asyncio.sleep(seconds)
        assert not watching.done(), watching.exception()
        watching.cancel()
        await end(store)
        ended = time.monotonic()
        while (recovered := load.accepted_after(ended)) is None:
            assert time.monotonic() - ended < RECOVER_WITHIN, f"no recovery after: {what}"
            await asyncio.sleep(LOOK_EVERY)
    during = [(status, took) for at, status, took in load.answers if began <= at < ended]
    refused, accepted = ([took for status, took in during if status == wanted] for wanted in (503, 202))
    count = await load.count()
    slowest = max(refused, default=0.0)
    print(
        f"{count}; {what} for {seconds:g} s: {len(refused)} x 503, the slowest after {slowest:.2f} s, "
        f"{len(accepted)} x 202; "
        f"/health {_listed(health.said)}, the slowest after {health.slowest:.2f} s; "
        f"accepted again after {recovered:.2f} s",
        flush=True,
    )
    return not count.wrong and max(slowest, health.slowest, recovered) < LIMIT


def _listed(said: Counter[str]) -> str:
    return ", ".join(f"{times} x {status}" for status, times in said.most_common()) or "not asked"


async def run(faults: Sequence[str], seconds: float, folder: Path) -> bool:
    """One server and its Redis through some faults; whether all promises were kept."""
    (folder / "data").mkdir()
    store = Store(folder)
    kept = True
    try:
        await store.open()
        server = ServerProcess(folder / "data", REDIS_ADDR=f"127.0.0.1:{store.proxy.port}")
        try:
            await server.start()
            for fault in faults:
                kept &= await undergo(fault, store, server, seconds)
        finally:
            if not server.ended:
                await server.stop()
    finally:
        await store.close()
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", help=f"some of {', '.join(FAULTS)}; all where none is named")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each lasts; the pause twice as long")
    options = parser.parse_args()
    if unknown := set(options.faults) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="notifier-faults-") as folder:
        return 0 if asyncio.run(run(options.faults or list(FAULTS), options.seconds, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
