"""Pushes that open connections are not sent when Redis stands still, a reply is lost, or a link breaks in mid-reply.

    python -m tests.e2e.gaps [--rounds 6] [--workers 1] [--plain] [--store own server sentinel cluster]
        [stalls lost cut away …]

Senders repeat each message under its key until it is answered 202; every user is followed over two connections. Five
seconds after the fault is over and everything was accepted no connection that stayed open may lack anything. Prints a
line per fault, `N tried, M lost, K duplicated, longest gap S s; <what was done>`, with what was unseen; exits 1 if
anything was.

`stalls` stops and continues a Redis: the program's own, or a master. `lost`, `cut` and `away` stand between the program
and one external server; `links` cuts all connections to the masters of Sentinel or Cluster, `failover` replaces one.
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

from tests.e2e.failover import DEPLOYMENTS, Deployment
from tests.e2e.load import Load
from tests.e2e.proxy import Proxy
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port

PATIENCE = 5.0  # seconds after the return of the store; contract §4
USERS = 30
SENDERS = 12
BEFORE = 0.5
STALL = (0.5, 3.0)
SHORT_STALL = (0.3, 0.8)  # of a master: shorter than what Sentinel and Cluster take for its end
BETWEEN = (0.2, 0.6)
AWAY = (5.0, 8.0)  # the backoff of what waits for the store grows with it
ROUNDS = 6


class Stage:
    """A server on a store, and the ways to the store that a fault can break."""

    def __init__(self, server: ServerProcess, proxy: Proxy | None = None, deployment: Deployment | None = None) -> None:
        self.server = server
        self._proxy = proxy
        self._deployment = deployment

    @property
    def proxy(self) -> Proxy:
        """The proxy before an external server."""
        assert self._proxy is not None
        return self._proxy

    @property
    def deployment(self) -> Deployment:
        """Sentinel's or the cluster's servers."""
        assert self._deployment is not None
        return self._deployment

    def choose_redis(self, dice: random.Random) -> tuple[int, tuple[float, float]]:
        """The process of a Redis that serves writes, and the bounds of a stall in seconds."""
        if self._deployment is None:
            assert self.server.redis_pid is not None, "no embedded Redis"
            return self.server.redis_pid, STALL
        port = dice.choice(self._deployment.masters)
        return self._deployment.servers.processes[port].pid, SHORT_STALL


Fault = Callable[[Stage, random.Random], Awaitable[None]]


async def stall(stage: Stage, dice: random.Random) -> None:
    """Stops a Redis for a while."""
    pid, bounds = stage.choose_redis(dice)
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(dice.uniform(*bounds))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def lose_reply(stage: Stage, dice: random.Random) -> None:
    """Swallows a reply and passes on what follows it."""
    stage.proxy.swallow = 1
    await asyncio.sleep(dice.uniform(*BETWEEN))


async def cut_reply(stage: Stage, dice: random.Random) -> None:
    """Cuts a connection in the middle of a reply."""
    stage.proxy.cut_replies = 1
    await asyncio.sleep(dice.uniform(*BETWEEN))


async def be_away(stage: Stage, dice: random.Random) -> None:
    """Refuses connections for a while."""
    await stage.proxy.cut()
    await asyncio.sleep(dice.uniform(*AWAY))
    await stage.proxy.open()


async def cut_links(stage: Stage, dice: random.Random) -> None:
    """Cuts every connection of the program to the masters."""
    for port in stage.deployment.masters:
        await stage.deployment.servers.ask(port, "CLIENT", "KILL", "TYPE", "normal")


async def fail_over(stage: Stage, dice: random.Random) -> None:
    """Replaces a master in an orderly way."""
    await stage.deployment.change_master("orderly")


FAULTS: dict[str, tuple[str, Fault]] = {
    "stalls": ("Redis stopped for a while", stall),
    "lost": ("a reply of Redis swallowed", lose_reply),
    "cut": ("a connection cut in mid-reply", cut_reply),
    "away": (f"Redis refused connections for {AWAY[0]:g}-{AWAY[1]:g} s", be_away),
    "links": ("all connections to the masters cut", cut_links),
    "failover": ("a master failed over", fail_over),
}
STORES = {
    "own": ("stalls",),
    "server": ("lost", "cut", "away"),
    "sentinel": ("stalls", "links", "failover"),
    "cluster": ("stalls", "links", "failover"),
}
FEW = {"failover": 1}  # rounds at the most: a former master takes writes again before Sentinel tells it


@asynccontextmanager
async def started(store: str, folder: Path, workers: int) -> AsyncIterator[Stage]:
    """A server on a store of that kind."""
    (folder / "data").mkdir(parents=True)
    async with contextlib.AsyncExitStack() as stack:
        proxy, deployment, address = None, None, ""
        if store == "server":
            proxy = await stack.enter_async_context(_proxied(folder))
            address = f"127.0.0.1:{proxy.port}"
        elif store in DEPLOYMENTS:
            deployment = DEPLOYMENTS[store](folder)
            stack.callback(deployment.servers.stop)
            await deployment.start()
            address = deployment.address
        arguments = ("--workers", str(workers)) if workers > 1 else ()
        server = ServerProcess(folder / "data", arguments=arguments, **({"REDIS_ADDR": address} if address else {}))
        try:
            await server.start()
            yield Stage(server, proxy, deployment)
        finally:
            if not server.ended:
                await server.stop()


@asynccontextmanager
async def _proxied(folder: Path) -> AsyncIterator[Proxy]:
    redis, port = RedisServers(folder), free_port()
    redis.start(port, "--save", "")
    proxy = Proxy(port)
    try:
        await redis.ask(port, "PING")
        await proxy.open()
        yield proxy
    finally:
        await proxy.cut()
        redis.stop()


async def undergo(
    store: str, fault: str, rounds: int, workers: int, folder: Path, seed: int, plain: bool = False
) -> bool:
    """One fault again and again under load; whether every open connection was sent everything."""
    what, act = FAULTS[fault]
    dice, rounds = random.Random(seed), min(rounds, FEW.get(fault, rounds))
    async with started(store, folder, workers) as stage:
        load = Load(stage.server, senders=SENDERS, users=USERS, follow_every=1, sockets=2, plain=plain)
        async with load.running():
            await asyncio.sleep(BEFORE)
            for _ in range(rounds):
                await act(stage, dice)
                await asyncio.sleep(dice.uniform(*BETWEEN))
            await load.look_for_unseen(PATIENCE)
        count = await load.count()
    print(
        f"{count}; {store}: {what}, {rounds} times, {workers} workers, seed {seed}: "
        f"{load.unseen} unseen on open connections, {load.reconnects} reconnects",
        flush=True,
    )
    return not count.wrong


async def run(
    faults: Sequence[str],
    rounds: int,
    workers: Sequence[int],
    folder: Path,
    seed: int,
    stores: Sequence[str] = (),
    plain: bool = False,
) -> bool:
    """Some faults of some stores (none: all), each with these numbers of workers; whether nothing was unseen."""
    kept = True
    for store in stores or STORES:
        for number in workers:
            for fault in STORES[store]:
                if fault in faults:
                    home = folder / f"{store}-{fault}-{number}"
                    kept &= await undergo(store, fault, rounds, number, home, seed, plain)
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", help=f"some of {', '.join(FAULTS)}; all where none is named")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--workers", type=int, action="append", help="may be repeated; 1 and 3 where it is not given")
    parser.add_argument("--store", choices=STORES, action="append", help="may be repeated; all where it is not given")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--plain", action="store_true", help="without keys, and with marks: what the lean path takes")
    options = parser.parse_args()
    if unknown := set(options.faults) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    faults, workers = options.faults or list(FAULTS), options.workers or [1, 3]
    with tempfile.TemporaryDirectory(prefix="notifier-gaps-") as folder:
        given = (faults, options.rounds, workers, Path(folder), options.seed, options.store or (), options.plain)
        kept = asyncio.run(run(*given))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
