"""Several redis-servers on loopback: a master with replicas and sentinels, or a cluster."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from pathlib import Path

import hiredis

from notifier.store.embedded.binary import find_redis
from notifier.store.redis.address import Address
from notifier.store.redis.link import open_link
from tests.e2e.server import free_port

PATIENCE = 30.0
BUS = 10_000  # the cluster's bus listens so far above the port


class RedisServers:
    """Processes that are started, asked, killed and ended by their ids."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.binary = find_redis()
        self.processes: dict[int, subprocess.Popen] = {}

    def start(self, port: int, *options: str, sentinel: str | None = None) -> None:
        """Starts a server, or a sentinel with these lines of configuration."""
        home = self.folder / str(port)
        home.mkdir(exist_ok=True)
        arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), *options]
        if sentinel is not None:
            (home / "sentinel.conf").write_text(sentinel)
            arguments = [str(home / "sentinel.conf"), *arguments, "--sentinel"]
        log = (home / "log").open("ab")
        # With Python's signals a write beyond a limit on files fails, as on a full disk, instead of killing the server.
        command = [self.binary.path, *arguments]
        self.processes[port] = subprocess.Popen(command, stdout=log, stderr=log, restore_signals=False)
        log.close()

    def kill(self, port: int) -> None:
        """Kills a server with SIGKILL."""
        self.processes[port].kill()
        self.processes.pop(port).wait()

    def pause(self, port: int) -> None:
        """Stops a server without ending it."""
        os.kill(self.processes[port].pid, signal.SIGSTOP)

    def resume(self, port: int) -> None:
        """Continues a paused server (SIGCONT)."""
        os.kill(self.processes[port].pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stops all servers."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes.clear()

    async def ask(self, port: int, *command: object):
        """The reply of a server, which may have to start first."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                link = await open_link(Address("127.0.0.1", port), 5.0, 1.0, lambda link: None)
            except (OSError, hiredis.ReplyError):  # LOADING: it reads its append-only file
                assert asyncio.get_running_loop().time() < deadline, f"no server on {port}"
                await asyncio.sleep(0.02)
                continue
            try:
                return await link.call(*command)
            finally:
                link.close()

    async def until(self, condition, what: str) -> None:
        """Waits until a coroutine function returns true."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not await condition():
            assert asyncio.get_running_loop().time() < deadline, f"{what} did not come true"
            await asyncio.sleep(0.05)


def _is_free(port: int) -> bool:
    """True for a port that nothing listens on or is connected from."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def start_sentinel(servers: RedisServers) -> tuple[str, int]:
    """A master, two replicas, three sentinels: the REDIS_ADDR, and the master's port."""
    master, *replicas = ports = [free_port() for _ in range(3)]
    sentinels = [free_port() for _ in range(3)]
    for port in ports:
        role = [] if port == master else ["--replicaof", "127.0.0.1", str(master)]
        servers.start(port, "--appendonly", "yes", "--save", "", *role)
    for port in ports:
        assert await servers.ask(port, "PING")
    for port in sentinels:
        lines = [
            f"sentinel monitor main 127.0.0.1 {master} 2",
            "sentinel down-after-milliseconds main 1000",
            "sentinel failover-timeout main 3000",
        ]
        servers.start(port, sentinel="\n".join(lines) + "\n")

    async def know_each_other() -> bool:
        facts = [await servers.ask(port, "SENTINEL", "MASTER", "main") for port in sentinels]
        found = [dict(zip(fact[::2], fact[1::2], strict=True)) for fact in facts]
        return all(f[b"num-slaves"] == b"2" and f[b"num-other-sentinels"] == b"2" for f in found)

    async def replicate() -> bool:
        return (await servers.ask(master, "INFO", "replication")).count(b"state=online") == len(replicas)

    await servers.until(replicate, "replication")
    await servers.until(know_each_other, "the sentinels' agreement")
    hosts = ",".join(f"127.0.0.1:{port}" for port in sentinels)
    return f"redis+sentinel://{hosts}/main", master


async def start_cluster(servers: RedisServers) -> tuple[str, list[int]]:
    """Three masters with a replica each: the REDIS_ADDR, and the masters' ports."""
    ports: list[int] = []
    while len(ports) < 6:
        port = free_port()
        if port < 55_000 and port not in ports and _is_free(port + BUS):
            ports.append(port)
    masters, replicas = ports[:3], ports[3:]
    for port in ports:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--appendonly", "yes", "--save", "")
        servers.start(port, *options)
    for number, port in enumerate(ports):  # before any of them knows another: also a node of other tests on this port
        await servers.ask(port, "CLUSTER", "RESET", "SOFT")
        await servers.ask(port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for number, port in enumerate(masters):
        first, last = number * 5461, 16383 if number == 2 else (number + 1) * 5461 - 1
        await servers.ask(port, "CLUSTER", "ADDSLOTSRANGE", first, last)
    for port in ports:
        await servers.ask(port, "CLUSTER", "MEET", "127.0.0.1", masters[0])

    async def met() -> bool:
        infos = [await servers.ask(port, "CLUSTER", "INFO") for port in ports]
        return all(b"cluster_known_nodes:6" in info for info in infos)

    await servers.until(met, "the meeting of the nodes")
    for master, replica in zip(masters, replicas, strict=True):
        identity = await servers.ask(master, "CLUSTER", "MYID")
        await servers.ask(replica, "CLUSTER", "REPLICATE", identity)

    async def whole() -> bool:
        infos = [await servers.ask(port, "CLUSTER", "INFO") for port in ports]
        links = [await servers.ask(port, "INFO", "replication") for port in replicas]
        return all(b"cluster_state:ok" in i for i in infos) and all(b"master_link_status:up" in link for link in links)

    await servers.until(whole, "a whole cluster")
    return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in masters), masters
