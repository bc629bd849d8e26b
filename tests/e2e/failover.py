"""Fails the master of Redis Sentinel or of a Redis Cluster over under load, and counts.

    python -m tests.e2e.failover [sentinel cluster] [--ways orderly,plain,kill]

orderly  `CLUSTER FAILOVER`; for Sentinel, `CLIENT PAUSE … WRITE` on the old master and then `SENTINEL FAILOVER`
plain    `SENTINEL FAILOVER` alone, for which the old master goes on taking writes while another is promoted
kill     SIGKILL of the master: what it had not passed on yet is lost, for Redis replicates asynchronously

Prints a line per failover, `N tried, M lost, K duplicated, longest gap S s; <what was done>`; exits 1 if anything is
there twice, or an orderly failover lost anything.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.load import Load
from tests.e2e.redis_servers import RedisServers, start_cluster, start_sentinel
from tests.e2e.server import ServerProcess

BEFORE = 1.0  # seconds of load before the failover
AFTER = {"plain": 12.0}  # and after another is chosen: Sentinel takes ten seconds to tell the old master
AFTER_OTHERS = 2.0
PAUSE_MS = 20_000  # longer than a failover; the new master knows nothing of it
WITHIN = 40.0


class Deployment:
    """A Sentinel deployment or a cluster, the master that is to go, and how to see that another has its place."""

    def __init__(self, folder: Path) -> None:
        self.servers = RedisServers(folder)
        self.address = ""
        self.master = 0

    async def start(self) -> None:
        """Starts all processes."""
        raise NotImplementedError

    async def pause_writes(self) -> None:
        """Stops writes that another master would not know."""

    async def fail_over(self) -> None:
        """Makes a replica take the master's place."""
        raise NotImplementedError

    async def successor(self) -> int:
        """The port of the master as the deployment knows it now."""
        raise NotImplementedError

    @property
    def masters(self) -> list[int]:
        """The ports of all masters."""
        return [self.master]

    async def change_master(self, way: str) -> None:
        """Fails the master over in one of `WAYS`, and waits until another has its place."""
        if way == "kill":
            self.servers.kill(self.master)
        else:
            if way == "orderly":
                await self.pause_writes()
            await self.fail_over()

        async def changed() -> bool:
            return await self.successor() != self.master

        await self.servers.until(changed, "another master")


class SentinelDeployment(Deployment):
    """A master, two replicas, three sentinels."""

    async def start(self) -> None:
        self.address, self.master = await start_sentinel(self.servers)
        self._sentinel = int(self.address.partition(",")[0].rpartition(":")[2])

    async def pause_writes(self) -> None:
        assert await self.servers.ask(self.master, "CLIENT", "PAUSE", PAUSE_MS, "WRITE") == b"OK"

    async def fail_over(self) -> None:
        assert await self.servers.ask(self._sentinel, "SENTINEL", "FAILOVER", "main") == b"OK"

    async def successor(self) -> int:
        return int((await self.servers.ask(self._sentinel, "SENTINEL", "get-master-addr-by-name", "main"))[1])


class ClusterDeployment(Deployment):
    """Three masters with a replica each."""

    async def start(self) -> None:
        self.address, masters = await start_cluster(self.servers)
        self.master, self._witness, *self._others = masters[0], *masters[1:]
        await self.servers.until(self._find_replica, "a replica that its master knows")

    @property
    def masters(self) -> list[int]:
        return [self.master, self._witness, *self._others]

    async def _find_replica(self) -> bool:
        _, _, replicas = await self.servers.ask(self.master, "ROLE")
        if replicas:
            self._replica = int(replicas[0][1])
        return bool(replicas)

    async def fail_over(self) -> None:
        assert await self.servers.ask(self._replica, "CLUSTER", "FAILOVER") == b"OK"

    async def successor(self) -> int:
        slots = await self.servers.ask(self._witness, "CLUSTER", "SLOTS")
        return next(int(master[1]) for first, _, master, *_ in slots if first == 0)


DEPLOYMENTS: dict[str, Callable[[Path], Deployment]] = {"sentinel": SentinelDeployment, "cluster": ClusterDeployment}


WAYS = {
    "orderly": "orderly failover",
    "plain": "SENTINEL FAILOVER without a pause of writes",
    "kill": "master killed with SIGKILL",
}


async def undergo(kind: str, way: str, folder: Path, after: float | None = None) -> bool:
    """One failover under load, and its line; whether nothing came of it that should not."""
    (folder / "data").mkdir(parents=True)
    deployment = DEPLOYMENTS[kind](folder)
    try:
        await deployment.start()
        server = ServerProcess(folder / "data", REDIS_ADDR=deployment.address)
        load = Load(server)
        try:
            await server.start()
            async with load.running():
                await asyncio.sleep(BEFORE)
                began = time.monotonic()
                await deployment.change_master(way)
                chosen = time.monotonic()
                while (back := load.accepted_after(chosen)) is None:
                    assert time.monotonic() - chosen < WITHIN, "nothing is accepted after the failover"
                    await asyncio.sleep(0.02)
                await asyncio.sleep(AFTER.get(way, AFTER_OTHERS) if after is None else after)
            count = await load.count()
        finally:
            if not server.ended:
                await server.stop()
    finally:
        deployment.servers.stop()
    print(
        f"{count}; {kind}: {WAYS[way]}, another after {chosen - began:.1f} s, accepting {back:.2f} s later", flush=True
    )
    return not count.duplicated and (way != "orderly" or not count.lost)


async def run(kinds: list[str], ways: list[str], folder: Path) -> bool:
    """All failovers asked for, one after the other; whether nothing came of them that should not."""
    fine = True
    for kind in kinds:
        for way in ways:
            if (kind, way) != ("cluster", "plain"):  # a cluster's replica pauses the writes itself
                fine &= await undergo(kind, way, folder / f"{kind}-{way}")
    return fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="sentinel, cluster; both where none is named")
    parser.add_argument("--ways", default=",".join(WAYS))
    options = parser.parse_args()
    if unknown := set(options.kinds) - DEPLOYMENTS.keys():
        parser.error(f"no such deployment: {', '.join(sorted(unknown))}")
    ways = options.ways.split(",")
    if unknown := set(ways) - WAYS.keys():
        parser.error(f"no such way: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="notifier-failover-") as folder:
        return 0 if asyncio.run(run(options.kinds or list(DEPLOYMENTS), ways, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
