"""Ten faults, one after the other: does the dashboard's first line name each within 10 s, and clear 10 s after its cure?

    python -m tests.e2e.drill [FAULT …]

Three instances on a Redis of their own, with Kafka's mock brokers and a provider that does as it is told, and for the
full disk a fourth with an embedded Redis on 16 MiB. `notifier tui` stands in a terminal of its own, and its first line
is what counts; `GET /api/v1/admin/problems` and `/health` are asked beside it. Prints a line per fault, `FAULT: named
in A s, cleared in B s: THE LINE`, and what is told beside it. Exits 1 where one took longer, where `/health` says
otherwise than the list, or where something else was told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from tests.e2e.disks import small_disk
from tests.e2e.first_line import FirstLine
from tests.e2e.provider import HttpProvider
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port
from tests.ingest.broker import BrokerProcess

WITHIN = 10.0  # seconds
EVERY = 0.1
CALM_WITHIN = 30.0  # seconds: from the start of an instance to its first calm answer
# A run of the program whose wall clock is ahead by the seconds in a file.
SHIFTED = """
import sys, time
from pathlib import Path
real, ahead = time.time, Path(sys.argv.pop(1))
time.time = lambda: real() + float(ahead.read_text())
sys.argv[0] = "notifier"
from notifier.cli import run
sys.exit(run(sys.argv[1:]))
"""
ADMIN = "/api/v1/admin"
SETTINGS = {"LOG_FORMAT": "json", "BREAKER_RESET": "1s", "API_RATE_LIMIT": "off", "RETRY_ATTEMPTS": "10"}
SETTINGS |= {"RETRY_BACKOFF_1": "1s", "RETRY_BACKOFF_2": "1s", "RETRY_BACKOFF_3": "1s"}


class Peer(HttpProvider):
    """A provider that takes messages, at once or late, refuses them for good, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.delay = 0.0

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        if self.delay:
            await asyncio.sleep(self.delay)
        return web.json_response({"id": "p"}, status=self.status)


class House:
    """All that the faults befall."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = RedisServers(folder)
        self.redis_port = free_port()
        self.peer = Peer()
        self.broker: BrokerProcess | None = None
        self.ahead = folder / "ahead"
        self.pods: dict[str, ServerProcess] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self._numbers = iter(range(1, 1_000_000))

    async def open(self, http: aiohttp.ClientSession) -> None:
        """Starts everything."""
        self.http = http
        self.servers.start(self.redis_port, "--appendonly", "yes", "--save", "")
        assert await self.servers.ask(self.redis_port, "PING") == b"PONG"
        await self.peer.open()
        self.broker = BrokerProcess()
        self.broker.command("topic notifications 2")
        self.ahead.write_text("0")
        self._add("a", KAFKA_BROKERS=self.broker.address)
        self._add("b", command=(sys.executable, "-c", SHIFTED, str(self.ahead)))
        self._add("c")
        await asyncio.gather(*(pod.start() for pod in self.pods.values()))

    def _add(self, name: str, command: tuple[str, ...] = (), **more: str) -> None:
        data = self.folder / name / "data"
        data.mkdir(parents=True)
        own = {"POD_ID": name, "REDIS_ADDR": f"127.0.0.1:{self.redis_port}"}
        own |= {"PROVIDER_SMS": f"http://127.0.0.1:{self.peer.port}/send"}
        self.pods[name] = ServerProcess(data, command=command, **{**SETTINGS, **own, **more})

    async def close(self) -> None:
        """Stops everything."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for pod in self.pods.values():
            if not pod.ended:
                await pod.stop()
        await self.peer.close()
        if self.broker is not None:
            self.broker.stop()
        self.servers.stop()

    async def post(self, path: str, body: Any = None) -> None:
        """Posts to the first instance; the answer does not matter."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self.http.post(f"{self.pods['a'].url}{path}", json=body) as answer:
                await answer.read()

    async def send(self, number: int) -> None:
        """Accepts so many deliveries, each to somebody else."""
        items = [
            {"channel": "sms", "recipient": f"+9055{next(self._numbers):08}", "content": "x"} for _ in range(number)
        ]
        await self.post("/api/v1/notifications/batch", {"notifications": items})

    def keep(self, work: Callable[[], Awaitable[None]], pause: float) -> None:
        """Does a work again and again until the fault is cured."""

        async def run() -> None:
            while True:
                await work()
                await asyncio.sleep(pause)

        self.tasks.append(asyncio.create_task(run()))

    async def leave_off(self) -> None:
        """Stops what `keep` began."""
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Fault(NamedTuple):
    """A fault: the kind by which it is named and its subject, the words of it on the first line, how it is done and
    undone.

    `beside` are kinds that may be told with it, as they follow from it; it lasts for `lasts` seconds once it is named.
    """

    kind: str
    subject: str
    words: str
    inject: Callable[[House], Awaitable[None]]
    cure: Callable[[House], Awaitable[None]]
    beside: frozenset[str] = frozenset()
    lasts: float = 0.0


async def _stop_redis(house: House) -> None:
    house.servers.pause(house.redis_port)


async def _wake_redis(house: House) -> None:
    house.servers.resume(house.redis_port)


async def _fail_provider(house: House) -> None:
    house.peer.status = 503
    await house.send(20)


async def _heal_provider(house: House) -> None:
    house.peer.status, house.peer.delay = 200, 0.0
    await house.leave_off()


async def _kill(house: House) -> None:
    house.pods["c"].kill()
    await house.pods["c"].wait()


async def _start(house: House) -> None:
    await house.pods["c"].start()


async def _kafka_down(house: House) -> None:
    assert house.broker is not None
    house.broker.command("down")


async def _kafka_up(house: House) -> None:
    assert house.broker is not None
    house.broker.command("up")


async def _flood(house: House) -> None:
    body = {"message": "x", "source": "loop", "target": [{"id": number, "login": "u"} for number in range(1, 41)]}

    async def post() -> None:
        await house.post("/api/v1/notify", body)

    house.keep(post, 0.1)


async def _bury(house: House) -> None:
    house.peer.status = 400
    await house.send(15)


async def _drop(house: House) -> None:
    house.peer.status = 200
    await house.post(f"{ADMIN}/dlq/drop", {})


async def _shift(house: House) -> None:
    house.ahead.write_text("7")


async def _set_right(house: House) -> None:
    house.ahead.write_text("0")


async def _slow(house: House) -> None:
    house.peer.delay = 4.0
    house.keep(lambda: house.send(2), 0.5)


async def _pause(house: House) -> None:
    await house.post(f"{ADMIN}/channels/sms/pause")


async def _resume(house: House) -> None:
    await house.post(f"{ADMIN}/channels/sms/resume")


async def _leave_off(house: House) -> None:
    await house.leave_off()


SLOW = frozenset({"store_slow", "delivery_slow"})
FAULTS = {
    # Long enough for the pauses between the dashboard's tries to grow.
    "redis": Fault("store_away", "", "Redis away", _stop_redis, _wake_redis, SLOW, lasts=30.0),
    "circuit": Fault(
        "circuit_open", "sms", "sms circuit open", _fail_provider, _heal_provider, frozenset({"deliveries_held"})
    ),
    "instance": Fault("instance_gone", "c", "c gone", _kill, _start),
    "kafka": Fault("kafka_away", "", "Kafka away", _kafka_down, _kafka_up),
    "flood": Fault("flood", "loop", "loop floods", _flood, _leave_off),
    "dead letters": Fault("dead_letters_growing", "", "dead letters in ten minutes", _bury, _drop),
    "clock": Fault("clock_skew", "b", "b clock", _shift, _set_right),
    "slow provider": Fault("provider_slow", "sms", "sms slow", _slow, _heal_provider),
    "channel": Fault("channel_paused", "sms", "sms paused", _pause, _resume),
}
DISK = "disk"
# On a machine that is busy with other things these may be told at any time, and rightly.
OF_THE_MACHINE = frozenset({"loop_lag", "store_slow", "delivery_slow"})


class Watcher:
    """The list of problems of one instance, asked again and again."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self.beside: set[str] = set()
        self.slowest = 0.0

    async def problems(self) -> dict[tuple[str, str], str]:
        """The words of each problem by kind and subject, notices left out."""
        begun = time.monotonic()
        async with self._http.get(f"{self._url}{ADMIN}/problems") as answer:
            rows = (await answer.json())["problems"]
        self.slowest = max(self.slowest, time.monotonic() - begun)
        found = {(row["kind"], row["subject"]): row["text"] for row in rows if row["severity"] != "notice"}
        self.beside |= {kind for kind, _ in found}
        return found

    async def until(self, condition: Callable[[dict[tuple[str, str], str]], bool], patience: float) -> float:
        """Seconds until the list is so; `TimeoutError` when they are over."""
        begun = time.monotonic()
        while True:
            found = await self.problems()
            if condition(found):
                return time.monotonic() - begun
            if time.monotonic() - begun > patience:
                raise TimeoutError(f"after {patience:g} s: {found}")
            await asyncio.sleep(EVERY)

    async def agrees(self) -> bool:
        """True where `/health` tells the same kinds in the same order."""
        async with self._http.get(f"{self._url}/health") as answer:
            told = [row["kind"] for row in (await answer.json())["problems"]]
        async with self._http.get(f"{self._url}{ADMIN}/problems") as answer:
            return told == [row["kind"] for row in (await answer.json())["problems"]]


async def drill(name: str, fault: Fault, house: House, watcher: Watcher, line: FirstLine) -> bool:
    """Injects a fault and cures it; prints what came of it. True where all went as it must."""
    key = (fault.kind, fault.subject)
    await watcher.until(lambda found: not found.keys() - _of_the_machine(found), CALM_WITHIN)
    await line.is_rid_of(fault.words, CALM_WITHIN)
    watcher.beside, watcher.slowest = set(), 0.0
    try:
        await fault.inject(house)
        told, named = await _both(watcher.until(lambda found: key in found, WITHIN), line.names(fault.words, WITHIN))
        words, agrees = line.text, await watcher.agrees()
        if fault.lasts:
            await asyncio.sleep(fault.lasts)
            await line.names(fault.words, 0.0)
        await fault.cure(house)
        gone, cleared = await _both(
            watcher.until(lambda found: key not in found, WITHIN), line.is_rid_of(fault.words, WITHIN)
        )
    except TimeoutError as error:
        print(f"{name}: FAIL, {error}", flush=True)
        await fault.cure(house)
        return False
    other = watcher.beside - {fault.kind} - fault.beside - OF_THE_MACHINE
    print(f"{name}: named in {named:.1f} s, cleared in {cleared:.1f} s:{words}", flush=True)
    print(f"  by the list {told:.1f} s and {gone:.1f} s, slowest answer {watcher.slowest:.2f} s", flush=True)
    print(f"  beside it: {', '.join(sorted(other)) or 'nothing'}{'' if agrees else '; /health disagrees'}", flush=True)
    return agrees and not other


async def _both(one: Awaitable[float], other: Awaitable[float]) -> tuple[float, float]:
    """Both at a time; where one fails, what it says counts."""
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    for found in (second, first):
        if isinstance(found, BaseException):
            raise found
    return first, second  # type: ignore[return-value]


def _of_the_machine(found: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    return {key for key in found if key[0] in OF_THE_MACHINE}


async def drill_disk(folder: Path, http: aiohttp.ClientSession) -> bool:
    """Fills the disk of an embedded Redis, and makes room again."""
    home = folder / "disk"
    home.mkdir()
    disk = small_disk(home)
    server = ServerProcess(home, POD_ID="disk", DISK_RESERVE="4MiB", LOG_FORMAT="json")
    try:
        await server.start()
        pids = (server.pid, *server.descendants())
        if disk.limit:
            for pid in pids:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (disk.limit, resource.RLIM_INFINITY))
        async with FirstLine(server.url) as line:
            fault = _disk_fault(disk, server, http, pids)
            return await drill(DISK, fault, House(folder), Watcher(http, server.url), line)
    finally:
        await server.stop()
        disk.remove()


def _disk_fault(disk: Any, server: ServerProcess, http: aiohttp.ClientSession, pids: tuple[int, ...]) -> Fault:
    body = {"message": "x" * 1000, "target": [{"id": number, "login": "u"} for number in range(1, 50)]}

    async def post() -> None:
        with contextlib.suppress(aiohttp.ClientError):
            async with http.post(f"{server.url}/api/v1/notify", json=body) as answer:
                await answer.read()

    async def fill(house: House) -> None:
        disk.fill()
        house.keep(post, 0.01)

    async def make_room(house: House) -> None:
        await house.leave_off()
        disk.free()
        for pid in pids if disk.limit else ():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    beside = frozenset({"flood", "duty_failing", "store_refusing"})
    return Fault("disk_full", "", "new notifications are refused", fill, make_room, beside)


async def drill_house(folder: Path, http: aiohttp.ClientSession, names: list[str]) -> bool:
    """The faults that befall three instances, one after the other."""
    house = House(folder)
    well = True
    try:
        await house.open(http)
        watcher = Watcher(http, house.pods["a"].url)
        async with FirstLine(house.pods["a"].url) as line:
            for name in names:
                well &= await drill(name, FAULTS[name], house, watcher, line)
    finally:
        await house.close()
    return well


async def run(folder: Path, wanted: list[str]) -> bool:
    """The faults that are wanted, all where none is named; True where each went as it must."""
    well = True
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        names = wanted or [*FAULTS, DISK]
        if DISK in names:
            well &= await drill_disk(folder, http)
        if of_the_house := [name for name in names if name != DISK]:
            well &= await drill_house(folder, http, of_the_house)
    return well


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", choices=[*FAULTS, DISK, []], metavar="FAULT", help=", ".join(FAULTS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return 0 if asyncio.run(run(Path(folder), arguments.faults)) else 1


if __name__ == "__main__":
    sys.exit(main())
