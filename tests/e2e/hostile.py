"""Clients that mean harm, against one running server: what they cost it, and what its other users notice.

    python -m tests.e2e.hostile [unread pings slow half-open one-user] [--short]

All the time other users are sent notifications and follow them. Prints a line per attack with figures and a verdict,
and `N tried, M lost, K duplicated, longest gap S s; <what was done>` for the other users; exits 1 if an attack did what
it must not. The limit on connections per address cannot be tried from loopback, which is exempt:
`tests/web/endpoints/test_socket.py` has it.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from notifier.client import Client
from tests.e2e import attackers
from tests.e2e.load import Load
from tests.e2e.server import ServerProcess

DEADLINE = 15.0  # seconds for a whole request (contract §10)
LATE = (
    10.0  # seconds more at which a deadline counts as missed: the clock runs from the accept, and the cores are shared
)
CUT_WITHIN = 30.0
PER_USER = 32
SEND_BUFFER = 1  # MiB
NOTICED = 1.0  # seconds of the other users' p99 at which an attack counts as noticed
ATTACKER = 5_000_000  # users from here on are attackers
FILL = "x" * 8000
USERS = 60  # so many that nobody is sent more than an inbox keeps, a hundred, while the attacks last
FOLLOW_EVERY = 3
DESCRIPTORS = 1_000  # that the server needs beside an attack's


class Sizes(NamedTuple):
    """Sizes of the attacks, and seconds that those without an end of their own last."""

    unread: int
    pings: int
    slow: int
    half_open: int
    seconds: float


FULL = Sizes(unread=40, pings=20, slow=500, half_open=10_000, seconds=8.0)
SHORT = Sizes(unread=5, pings=3, slow=0, half_open=1_000, seconds=1.0)


class Memory:
    """The server's memory in MiB (Pss): at the beginning and at the most."""

    def __init__(self, server: ServerProcess) -> None:
        self._path = Path(f"/proc/{server.pid}/smaps_rollup")
        self.before = self.peak = self._read()

    def _read(self) -> float:
        lines = self._path.read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("Pss:"))) / 1024

    async def watch(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            self.peak = max(self.peak, await asyncio.to_thread(self._read))
            await asyncio.sleep(0.2)


class Range:
    """One server, a process for the attackers, and the attacks."""

    def __init__(self, server: ServerProcess, pool: ProcessPoolExecutor, sizes: Sizes) -> None:
        self._server = server
        self._pool = pool
        self._sizes = sizes

    async def _attack(self, attack: Callable[..., Any], *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, attack, self._server.port, *args)

    async def _open_sockets(self) -> int:
        return int((await asyncio.to_thread(self._server.get_metrics))["websocket_connections"])

    async def unread(self) -> tuple[str, bool]:
        """Sockets that are sent much and read nothing."""
        count, others = self._sizes.unread, await self._open_sockets()
        attack = asyncio.create_task(self._attack(attackers.never_read, ATTACKER, count, CUT_WITHIN))
        while await self._open_sockets() < others + count:
            await asyncio.sleep(0.05)
        targets = [(ATTACKER + number, "u") for number in range(count)]
        begun, sent = time.monotonic(), 0
        async with Client(self._server.url) as client:
            while (left := await self._open_sockets() - others) > 0 and time.monotonic() - begun < CUT_WITHIN:
                for _ in range(5):
                    await client.send(targets, FILL)
                sent += 5 * len(FILL)
                await asyncio.sleep(0.1)
        took = time.monotonic() - begun
        attack.cancel()
        what = f"{count} sockets that never read, sent {sent / 2**20:.1f} MiB each: {left} left after {took:.1f} s"
        return what, left <= 0

    async def pings(self) -> tuple[str, bool]:
        """Pings without end, the answers unread."""
        count, seconds = self._sizes.pings, self._sizes.seconds
        sent, _ = await self._attack(attackers.flood_with_pings, ATTACKER + 1000, count, seconds)
        return f"{count} sockets, {sent:,} pings sent in {seconds:g} s, answers unread", sent > 0

    async def slow(self) -> tuple[str, bool]:
        """Requests that come a byte a second, in their headers and in their bodies."""
        beginnings = {"headers": b"X-Slow: ", "bodies": b"Content-Length: 8000\r\n\r\n"}
        ways = [self._attack(attackers.drip, self._sizes.slow, said, DEADLINE + LATE) for said in beginnings.values()]
        results: list[attackers.Ended] = await asyncio.gather(*ways)
        each = [f"{r.sockets} with slow {name}, {_ended(r)}" for name, r in zip(beginnings, results, strict=True)]
        return "a byte a second: " + "; ".join(each), all(_in_time(result) for result in results)

    async def half_open(self) -> tuple[str, bool]:
        """Connections that say nothing, or half a request."""
        result = await self._attack(attackers.half_open, self._sizes.half_open, DEADLINE + LATE)
        return f"{result.sockets} half-open connections, {_ended(result)}", _in_time(result)

    async def one_user(self) -> tuple[str, bool]:
        """More connections of a user than one may have."""
        answers = await self._attack(attackers.many_of_one_user, ATTACKER + 2000, PER_USER + 10, 1.0)
        said = ", ".join(f"{count} x {status}" for status, count in sorted(answers.items()))
        return f"{PER_USER + 10} connections of one user: {said}", answers == {101: PER_USER, 429: 10}


Attack = Callable[[Range], Awaitable[tuple[str, bool]]]
ATTACKS: dict[str, Attack] = {
    "unread": Range.unread,
    "pings": Range.pings,
    "slow": Range.slow,
    "half-open": Range.half_open,
    "one-user": Range.one_user,
}


def _ended(result: attackers.Ended) -> str:
    return f"{result.ended} ended, the last after {result.last:.1f} s"


def _in_time(result: attackers.Ended) -> bool:
    return result.ended == result.sockets and result.last <= DEADLINE + LATE


async def withstand(name: str, attacks: Range, server: ServerProcess, load: Load, allowed: float) -> bool:
    """Runs an attack, and prints its line; true where the server withstood it. `allowed` is the memory in MiB."""
    memory, begun = Memory(server), time.monotonic()
    watching = asyncio.create_task(memory.watch())
    what, withstood = await ATTACKS[name](attacks)
    watching.cancel()
    latencies = load.push_latencies(begun)
    p99 = latencies[int(len(latencies) * 0.99)] if latencies else float("inf")
    withstood &= p99 <= NOTICED and memory.peak - memory.before <= allowed
    print(
        f"{'withstood' if withstood else 'FAILED'}: {what}; memory {memory.before:.0f} MiB, at most {memory.peak:.0f}; "
        f"push p99 of the others {p99 * 1000:.0f} ms",
        flush=True,
    )
    return withstood


async def run(names: list[str], sizes: Sizes, folder: Path) -> bool:
    """One server through some attacks; whether it withstood them all."""
    (folder / "data").mkdir()
    server = ServerProcess(folder / "data", JANITOR_INTERVAL="2s", LOG_LEVEL="error")
    load = Load(server, senders=4, pace=0.06, users=USERS, follow_every=FOLLOW_EVERY)
    allowed = {"unread": 2.0 * SEND_BUFFER * sizes.unread + 30, "half-open": 150.0}  # the rest: noise
    withstood = True
    try:
        await server.start()
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            attacks = Range(server, pool, sizes)
            async with load.running():
                while len(load.followed) < USERS // FOLLOW_EVERY:
                    await asyncio.sleep(0.05)
                for name in names:
                    await asyncio.sleep(0.5)
                    withstood &= await withstand(name, attacks, server, load, allowed.get(name, 30.0))
        count = await load.count()
    finally:
        if not server.ended:
            await server.stop()
    print(f"{count}; the other users during {', '.join(names)}", flush=True)
    return withstood and not count.wrong


def raise_descriptors(wanted: int) -> int:
    """Raises the limit of open files to so many, or as far as it may; the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", help=f"some of {', '.join(ATTACKS)}; all where none is named")
    parser.add_argument("--short", action="store_true", help="smaller attacks")
    options = parser.parse_args()
    if unknown := set(options.attacks) - ATTACKS.keys():
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    sizes = SHORT if options.short else FULL
    descriptors = raise_descriptors(sizes.half_open + DESCRIPTORS)
    sizes = sizes._replace(half_open=min(sizes.half_open, descriptors - DESCRIPTORS))
    with tempfile.TemporaryDirectory(prefix="notifier-hostile-") as folder:
        return 0 if asyncio.run(run(options.attacks or list(ATTACKS), sizes, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
