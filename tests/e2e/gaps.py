"""Pushes that open connections are not sent when Redis stands still, a reply is lost, or a link breaks in mid-reply.

    python -m tests.e2e.gaps [--rounds 6] [--workers 1] [stalls lost cut away]

Senders repeat each message under its key until it is answered 202; every user is followed over two connections. Five
seconds after the fault is over and everything was accepted no connection that stayed open may lack anything. Prints a
line per fault, `N tried, M lost, K duplicated, longest gap S s; <what was done>`, with what was unseen; exits 1 if
anything was.

`stalls` stops and continues the embedded Redis; the others stand between the program and an external one.
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
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.load import Load
from tests.e2e.proxy import Proxy
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port

PATIENCE = 5.0  # seconds after the return of the store; contract §4
USERS = 30
SENDERS = 12
BEFORE = 0.5
STALL = (0.5, 3.0)
BETWEEN = (0.2, 0.6)
AWAY = (5.0, 8.0)  # the backoff of what waits for the store grows with it
ROUNDS = 6

Fault = Callable[[ServerProcess, Proxy | None, random.Random], Awaitable[None]]


async def stall(server: ServerProcess, proxy: Proxy | None, dice: random.Random) -> None:
    """Stops the embedded Redis for a while."""
    pid = server.redis_pid
    assert pid is not None, "no embedded Redis"
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(dice.uniform(*STALL))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def lose_reply(server: ServerProcess, proxy: Proxy | None, dice: random.Random) -> None:
    """Swallows a reply and passes on what follows it."""
    assert proxy is not None
    proxy.swallow = 1
    await asyncio.sleep(dice.uniform(*BETWEEN))


async def cut_reply(server: ServerProcess, proxy: Proxy | None, dice: random.Random) -> None:
    """Cuts a connection in the middle of a reply."""
    assert proxy is not None
    proxy.cut_replies = 1
    await asyncio.sleep(dice.uniform(*BETWEEN))


async def be_away(server: ServerProcess, proxy: Proxy | None, dice: random.Random) -> None:
    """Refuses connections for a while."""
    assert proxy is not None
    await proxy.cut()
    await asyncio.sleep(dice.uniform(*AWAY))
    await proxy.open()


FAULTS: dict[str, tuple[str, Fault]] = {
    "stalls": (f"the embedded Redis stopped for {STALL[0]:g}-{STALL[1]:g} s", stall),
    "lost": ("a reply of Redis swallowed", lose_reply),
    "cut": ("a connection cut in mid-reply", cut_reply),
    "away": (f"Redis refused connections for {AWAY[0]:g}-{AWAY[1]:g} s", be_away),
}


@asynccontextmanager
async def started(folder: Path, workers: int, embedded: bool) -> AsyncIterator[tuple[ServerProcess, Proxy | None]]:
    """A server, with its own Redis or with one behind a proxy."""
    (folder / "data").mkdir(parents=True)
    arguments = ("--workers", str(workers)) if workers > 1 else ()
    if embedded:
        server, proxy, redis = ServerProcess(folder / "data", arguments=arguments), None, None
    else:
        redis, port = RedisServers(folder), free_port()
        redis.start(port, "--save", "")
        proxy = Proxy(port)
        await redis.ask(port, "PING")
        await proxy.open()
        server = ServerProcess(folder / "data", arguments=arguments, REDIS_ADDR=f"127.0.0.1:{proxy.port}")
    try:
        await server.start()
        yield server, proxy
    finally:
        if not server.ended:
            await server.stop()
        if proxy is not None:
            await proxy.cut()
        if redis is not None:
            redis.stop()


async def undergo(fault: str, rounds: int, workers: int, folder: Path, seed: int) -> bool:
    """One fault again and again under load; whether every open connection was sent everything."""
    what, act = FAULTS[fault]
    dice = random.Random(seed)
    async with started(folder, workers, fault == "stalls") as (server, proxy):
        load = Load(server, senders=SENDERS, users=USERS, follow_every=1, sockets=2)
        async with load.running():
            await asyncio.sleep(BEFORE)
            for _ in range(rounds):
                await act(server, proxy, dice)
                await asyncio.sleep(dice.uniform(*BETWEEN))
            await load.look_for_unseen(PATIENCE)
        count = await load.count()
    print(
        f"{count}; {what}, {rounds} times, {workers} workers, seed {seed}: "
        f"{load.unseen} unseen on open connections, {load.reconnects} reconnects",
        flush=True,
    )
    return not count.wrong


async def run(faults: Sequence[str], rounds: int, workers: Sequence[int], folder: Path, seed: int) -> bool:
    """Some faults, each with these numbers of workers; whether nothing was unseen."""
    kept = True
    for number in workers:
        for fault in faults:
            kept &= await undergo(fault, rounds, number, folder / f"{fault}-{number}", seed)
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", help=f"some of {', '.join(FAULTS)}; all where none is named")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--workers", type=int, action="append", help="may be repeated; 1 and 3 where it is not given")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    if unknown := set(options.faults) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="notifier-gaps-") as folder:
        faults, workers = options.faults or list(FAULTS), options.workers or [1, 3]
        return 0 if asyncio.run(run(faults, options.rounds, workers, Path(folder), options.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
