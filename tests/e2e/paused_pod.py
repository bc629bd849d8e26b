"""Pods on one Redis under load: one is paused and woken, one is killed, one is ended; who takes its users over, and when?

    python -m tests.e2e.paused_pod [--pause 60] [--pods 2]

Every followed user holds a connection on each pod. Takeover is the time until the last of the users whose lock the pod
held is pushed something accepted since, by another pod. A woken pod must push nothing twice, nothing out of order, and
its own connections must get what they missed. Prints a line per fault, and
`N tried, M lost, K duplicated, longest gap S s; <what was done>` for all; exits 1 if anything was lost, repeated or out
of order, or a takeover took longer than promised.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.e2e.load import LOGIN, Load
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port

TAKEOVER = 10.0  # seconds; contract: a pod that does not beat loses its locks within
AT_ONCE = 3.0  # of which up to a second is waiting for the next message to these users
USERS = 60  # nobody is sent more in a minute than the hundred that an inbox shows; nothing is trimmed meanwhile
FOLLOW_EVERY = 3
BEFORE = 1.0


class Pods(NamedTuple):
    """The pods of a run, with their names, and their load."""

    servers: dict[str, ServerProcess]
    load: Load

    async def holders(self, asked: ServerProcess) -> dict[int, str]:
        """The holder of the lock of each followed user, as a pod says."""
        paths = {user: f"/api/v1/admin/users/{user}-{LOGIN}" for user in self.load.followed}
        return {user: (await asyncio.to_thread(asked.get, path))["lock_owner"] for user, path in paths.items()}

    async def busiest(self) -> tuple[str, list[int]]:
        """The pod that holds most locks, and the users it holds them of."""
        holders = await self.holders(next(iter(self.servers.values())))
        name = Counter(holders.values()).most_common(1)[0][0]
        return name, [user for user, holder in holders.items() if holder == name]

    async def takeover(self, gone: str, users: list[int], since: float, patience: float) -> float:
        """Seconds until the last of these users is pushed something new by another pod."""
        others = [server for name, server in self.servers.items() if name != gone]
        while True:
            waits = [self.load.pushed_after(since, server, user) for user in users for server in others]
            if None not in waits:
                return max(wait for wait in waits if wait is not None)
            if time.monotonic() - since > patience:
                return float("inf")
            await asyncio.sleep(0.05)


async def pause(pods: Pods, seconds: float) -> bool:
    """Stops the busiest pod and wakes it; whether its users were taken over in time and nothing was missed."""
    name, users = await pods.busiest()
    server = pods.servers[name]
    began = time.monotonic()
    server.kill(signal.SIGSTOP)
    try:
        took = await pods.takeover(name, users, began, max(seconds, TAKEOVER))
        await asyncio.sleep(began + seconds - time.monotonic())
    finally:
        server.kill(signal.SIGCONT)
    woken = time.monotonic()
    missed = {nid for nid, at in pods.load.accepted_at.items() if began < at < woken}
    caught_up = await _caught_up(pods, server, missed, woken)
    print(
        f"takeover of {len(users)} users after SIGSTOP: {took:.1f} s; "
        f"woken after {seconds:g} s, its own connections had all they missed {caught_up:.1f} s later",
        flush=True,
    )
    return took <= TAKEOVER and caught_up <= TAKEOVER


async def _caught_up(pods: Pods, server: ServerProcess, missed: set[str], woken: float) -> float:
    """Seconds until a woken pod's connections have been sent what was accepted meanwhile."""
    load = pods.load
    expected = {nid for nid in missed if load.accepted[nid][0] in load.followed}
    while True:
        had = {nid for user in load.followed for _, nid in load.pushes[server, user]}
        if expected <= had:
            return time.monotonic() - woken
        if time.monotonic() - woken > 3 * TAKEOVER:
            return float("inf")
        await asyncio.sleep(0.05)


async def end(pods: Pods, number: signal.Signals, promise: float) -> bool:
    """Kills the busiest pod by a signal and starts it again; true where its users were taken over in time."""
    name, users = await pods.busiest()
    began = time.monotonic()
    pods.servers[name].kill(number)
    took = await pods.takeover(name, users, began, 2 * TAKEOVER)
    await pods.servers[name].wait()
    await pods.servers[name].start()
    what = "kill -9" if number is signal.SIGKILL else number.name
    print(f"takeover after {what}: {took:.1f} s, {len(users)} users", flush=True)
    return took <= promise


async def run(folder: Path, seconds: float, number: int = 2, **environment: str) -> bool:
    """A pause, a kill and an orderly end; whether all promises were kept."""
    redis, port = RedisServers(folder), free_port()
    redis.start(port, "--appendonly", "yes", "--save", "")
    servers: dict[str, ServerProcess] = {}
    try:
        await redis.ask(port, "PING")
        for name in [f"pod-{chr(ord('a') + index)}" for index in range(number)]:
            (folder / name / "data").mkdir(parents=True)
            options = {"REDIS_ADDR": f"127.0.0.1:{port}", "POD_ID": name, "JANITOR_INTERVAL": "1h", **environment}
            servers[name] = ServerProcess(folder / name / "data", **options)
        await asyncio.gather(*(server.start() for server in servers.values()))
        load = Load(*servers.values(), senders=8, pace=0.1, users=USERS, follow_every=FOLLOW_EVERY)
        pods, kept = Pods(servers, load), True
        async with load.running():
            while len(load.followed) < USERS // FOLLOW_EVERY:
                await asyncio.sleep(0.05)
            await asyncio.sleep(BEFORE)
            kept &= await pause(pods, seconds)
            kept &= await end(pods, signal.SIGKILL, TAKEOVER)
            kept &= await end(pods, signal.SIGTERM, AT_ONCE)
        count = await load.count()
    finally:
        for server in servers.values():
            if not server.ended:
                os.kill(server.pid, signal.SIGCONT)
                await server.stop()
        redis.stop()
    print(
        f"{count}; {number} pods: one paused for {seconds:g} s and woken, one killed with SIGKILL, one ended",
        flush=True,
    )
    return kept and not count.wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pause", type=float, default=60.0, help="seconds")
    parser.add_argument("--pods", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="notifier-pods-") as folder:
        return 0 if asyncio.run(run(Path(folder), options.pause, options.pods)) else 1


if __name__ == "__main__":
    sys.exit(main())
