"""Clients that go from one instance to another, and an instance that dies with what it alone had stored.

    python -m tests.e2e.moves [--moves 1000] [--deaths 10]

Two instances share one Redis under load. One user's client moves between them, in an orderly way, by a cut or with both
connections open for a moment, marks read what it is pushed, and must get every accepted notification: none twice over
one connection, and none unread whose mark was acknowledged. Then an instance that serves a user alone is killed right
after it accepted: the other one must give the client all of it, and push what is new within ten seconds.

Prints `N accepted, M lost, K doubled; …` for each; exits 1 if anything was lost or doubled, or a takeover took longer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from socket import SHUT_RDWR, fromfd

import aiohttp

from notifier.client import Client, ClientError
from tests.e2e.load import LOGIN, Load
from tests.e2e.paused_pod import TAKEOVER
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port

MOVER = 900_001  # a user beside those of the load
STAY = 0.03  # seconds at most between two moves
PACE = 0.05  # seconds between two notifications of one sender
PATIENCE = 15.0
INBOX = {"STREAM_MAXLEN": "1000", "NOTIFICATION_TTL": "2h", "JANITOR_INTERVAL": "1h"}  # nothing is to go by itself


class Mover:
    """One user's client, and what it got."""

    def __init__(self, http: aiohttp.ClientSession, user: int) -> None:
        self._http = http
        self.user = user
        self.got: dict[str, float] = {}  # ids, and when they came first
        self.acknowledged: set[str] = set()
        self.doubled: list[str] = []
        self._readers: set[asyncio.Task[None]] = set()

    async def connect(self, server: ServerProcess) -> aiohttp.ClientWebSocketResponse:
        """A connection whose inbox has come; it is read on in the background."""
        known = frozenset(self.acknowledged)  # what is acknowledged over another one meanwhile may come unread
        socket = await self._knock(server)
        synced = asyncio.Event()
        task = asyncio.create_task(self._read(socket, synced, known))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)
        async with asyncio.timeout(PATIENCE):
            await synced.wait()
        return socket

    async def _knock(self, server: ServerProcess) -> aiohttp.ClientWebSocketResponse:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await self._http.ws_connect(f"{server.url}/ws?user_id={self.user}&login={LOGIN}")
            except aiohttp.ClientError:  # such as 503 from a server whose store stands still on a busy machine
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)

    async def _read(
        self, socket: aiohttp.ClientWebSocketResponse, synced: asyncio.Event, known: frozenset[str]
    ) -> None:
        had: set[str] = set()
        async for frame in socket:
            message = json.loads(frame.data)
            data = message["data"]
            if message["type"] == "sync.complete":
                synced.set()
            elif message["type"] == "notification.read.ack":
                self.acknowledged.add(data["notification_id"])
            elif message["type"] == "notification.push":
                await self._take(socket, data, had, known)

    async def _take(
        self, socket: aiohttp.ClientWebSocketResponse, data: dict[str, str], had: set[str], known: frozenset[str]
    ) -> None:
        nid = data["notification_id"]
        if nid in had or (not data["read"] and nid in known):
            print(f"{nid} came {'twice' if nid in had else 'unread after its mark'}", file=sys.stderr)
            self.doubled.append(nid)
        had.add(nid)
        self.got.setdefault(nid, time.monotonic())
        if not data["read"]:
            pair = {"notification_id": nid, "stream_id": data["stream_id"]}
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"type": "notification.read", "data": pair})

    async def wait_for(self, ids: Sequence[str]) -> list[str]:
        """Waits until all of these came; those that did not."""
        deadline = time.monotonic() + PATIENCE
        while (lacking := [nid for nid in ids if nid not in self.got]) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return lacking


@asynccontextmanager
async def two_instances(folder: Path) -> AsyncIterator[tuple[ServerProcess, ServerProcess]]:
    """Two instances on one Redis."""
    folder.mkdir()
    redis, port = RedisServers(folder), free_port()
    redis.start(port, "--save", "")
    servers = []
    for name in ("pod-a", "pod-b"):
        (folder / name / "data").mkdir(parents=True)
        options = {"REDIS_ADDR": f"127.0.0.1:{port}", "POD_ID": name, **INBOX}
        servers.append(ServerProcess(folder / name / "data", **options))
    try:
        await redis.ask(port, "PING")
        await asyncio.gather(*(server.start() for server in servers))
        yield servers[0], servers[1]
    finally:
        for server in servers:
            if not server.ended:
                await server.stop()
        redis.stop()


async def send(server: ServerProcess, user: int, number: int, accepted: list[str]) -> None:
    """Posts a notification without a key; one without an answer is left alone."""
    async with Client(server.url) as client:
        with contextlib.suppress(ClientError):
            (result,) = await client.send([(user, LOGIN)], f"notification {number}")
            accepted.append(result["notification_id"])


async def keep_sending(servers: Sequence[ServerProcess], user: int, accepted: list[str]) -> None:
    """Posts to one instance and the other in turn, until it is cancelled."""
    for number in itertools.count():
        await send(servers[number % 2], user, number, accepted)
        await asyncio.sleep(PACE)


def cut(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Closes a connection without a word: a duplicate of its socket can do that, uvloop's own cannot."""
    held = socket.get_extra_info("socket")
    with fromfd(held.fileno(), held.family, held.type) as plain:
        plain.shutdown(SHUT_RDWR)


async def move(servers: Sequence[ServerProcess], mover: Mover, times: int, dice: random.Random) -> None:
    """Moves so many times, and stays."""
    socket = await mover.connect(servers[0])
    for number in range(times):
        await asyncio.sleep(dice.uniform(0, STAY))
        following = servers[(number + 1) % 2]
        way = dice.choice(("close", "cut", "overlap"))
        if way == "overlap":
            before, socket = socket, await mover.connect(following)
            await before.close()
            continue
        if way == "cut":
            cut(socket)
        await socket.close()
        socket = await mover.connect(following)


async def moves(folder: Path, times: int, seed: int) -> int:
    """One client that moves under load; how many notifications were lost or doubled."""
    accepted: list[str] = []
    async with two_instances(folder) as servers, aiohttp.ClientSession() as http:
        mover, load = Mover(http, MOVER), Load(*servers, plain=True, users=40, follow_every=2, senders=4)
        async with load.running():
            sending = asyncio.create_task(keep_sending(servers, MOVER, accepted))
            await move(servers, mover, times, random.Random(seed))
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            lost = await mover.wait_for(accepted)
        count = await load.count()
    print(
        f"{len(accepted)} accepted, {len(lost)} lost, {len(mover.doubled)} doubled; one client moved {times} times, "
        f"seed {seed}; beside it {count}",
        flush=True,
    )
    return len(lost) + len(mover.doubled) + count.wrong


async def die(
    servers: tuple[ServerProcess, ServerProcess], http: aiohttp.ClientSession, user: int
) -> tuple[int, float]:
    """Kills an instance that serves a user alone right after it accepted: what the client lacks or got twice, and the
    seconds until the other pushes it something new."""
    dying, other = servers
    mover, accepted, later = Mover(http, user), list[str](), list[str]()
    await mover.connect(dying)
    await asyncio.gather(*(send(dying, user, number, accepted) for number in range(20)))
    died = time.monotonic()
    dying.kill(signal.SIGKILL)
    await dying.wait()
    await mover.connect(other)
    lacking = await mover.wait_for(accepted)
    await send(other, user, 20, later)
    lacking += await mover.wait_for(later)
    took = max(mover.got.get(nid, float("inf")) for nid in later) - died if later else float("inf")
    await dying.start()
    return len(lacking) + len(mover.doubled), took


async def deaths(folder: Path, times: int) -> tuple[int, float]:
    """Instances that die, in turn: what was lost or doubled in all, and the longest takeover."""
    wrong, longest = 0, 0.0
    async with two_instances(folder) as (one, two), aiohttp.ClientSession() as http:
        for number in range(times):
            pair = (one, two) if number % 2 == 0 else (two, one)
            found, took = await die(pair, http, MOVER + 1 + number)
            wrong, longest = wrong + found, max(longest, took)
    print(f"{20 * times} accepted, {wrong} lost or doubled; {times} instances killed, longest takeover {longest:.1f} s")
    return wrong, longest


async def run(folder: Path, times: int, killed: int, seed: int) -> bool:
    """Both; whether nothing was lost or doubled, and every takeover was in time."""
    wrong = await moves(folder / "moves", times, seed)
    found, longest = await deaths(folder / "deaths", killed)
    return wrong + found == 0 and longest <= TAKEOVER


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=1000)
    parser.add_argument("--deaths", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="notifier-moves-") as folder:
        return 0 if asyncio.run(run(Path(folder), options.moves, options.deaths, options.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
