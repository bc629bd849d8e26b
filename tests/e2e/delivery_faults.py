"""Deliveries under faults: two pods on one Redis, batches all the while, and a provider that counts what it takes.

    python -m tests.e2e.delivery_faults [--seconds 30] [--seed N] [kills paused flapping]

`kills`: one pod or the other gets a SIGKILL in the middle of its sends, again and again. `paused`: Redis stands still
for a third of the time, longer than a lease. `flapping`: the provider refuses, breaks off and comes back twice a second.

Prints a line per fault: `N tried, M lost, K sent twice after being recorded, longest gap S s; R repeated between sending
and recording; …`. Tried is what was answered 201. Lost is what has ended neither as `sent`, with the provider having
taken it, nor in the dead-letter queue. Sent twice counts what the provider took after the record said `sent`. The gap is
the longest time between two messages that the provider took. Exits 1 if anything was lost or sent twice.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from tests.e2e.provider import HttpProvider
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port

BATCH = 50
SENDERS = 3
PACE = 0.25  # seconds between a sender's batches
PATIENCE = 3.0  # seconds that a sender waits for an answer before turning to the other pod
SETTLE = 60.0
LOOK = 1.0  # seconds between two looks at all records, which hold Redis up
TAKES = (0.0, 0.03)  # seconds that the provider needs for one message
LEASE = 2.0
FINAL = ("sent", "failed", "cancelled", "expired")
SETTINGS = {
    "DELIVERY_LEASE": f"{LEASE:g}s",
    "RATE_LIMIT_PER_USER": "1000000",
    "RATE_LIMIT_PER_CHANNEL": "100000",
    "API_RATE_LIMIT": "off",
    "RETRY_ATTEMPTS": "10",
    "RETRY_BACKOFF_1": "200ms",
    "RETRY_BACKOFF_2": "300ms",
    "RETRY_BACKOFF_3": "500ms",
    "BREAKER_RESET": "300ms",
}


class Count(NamedTuple):
    """The outcome of a run; see this module's text. `explained` is how many ended in the dead-letter queue."""

    tried: int
    lost: int
    twice: int
    repeated: int
    explained: int
    longest_gap: float

    @property
    def wrong(self) -> int:
        """The number of those that are lost or were sent again although recorded."""
        return self.lost + self.twice

    def __str__(self) -> str:
        return (
            f"{self.tried} tried, {self.lost} lost, {self.twice} sent twice after being recorded, "
            f"longest gap {self.longest_gap:.1f} s; {self.repeated} repeated between sending and recording, "
            f"{self.explained} in the dead-letter queue"
        )


class Peer(HttpProvider):
    """A webhook-style provider that notes when it took which message."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.taken: defaultdict[str, list[float]] = defaultdict(list)  # id -> Unix times
        self.longest_gap = 0.0
        self.refused = 0
        self.is_down = False
        self._random = random.Random(seed)
        self._last: float | None = None

    async def _take(self, request: web.Request) -> web.Response:
        message = await request.json()
        if self.is_down:
            self.refused += 1
            if self._random.random() < 0.5 and request.transport is not None:
                request.transport.close()
            return web.Response(status=503)
        now = time.time()
        self.taken[message["id"]].append(now)
        if self._last is not None:
            self.longest_gap = max(self.longest_gap, now - self._last)
        self._last = now
        await asyncio.sleep(self._random.uniform(*TAKES))
        return web.json_response({"id": f"p-{message['id']}"})


class Run:
    """Two pods, their store, a provider, and senders that repeat a batch under its key until it is answered."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.peer = Peer(seed)
        self.servers = RedisServers(folder)
        self.redis_port = free_port()
        self.pods: list[ServerProcess] = []
        self.accepted: set[str] = set()
        self._numbers = itertools.count()
        self._sending = True

    async def open(self) -> None:
        """Starts everything."""
        self.servers.start(self.redis_port, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
        assert await self.servers.ask(self.redis_port, "PING") == b"PONG"
        await self.peer.open()
        provider = f"http://127.0.0.1:{self.peer.port}/send"
        for name in ("a", "b"):
            data = self.folder / name / "data"
            data.mkdir(parents=True)
            pod = {"POD_ID": name, "REDIS_ADDR": f"127.0.0.1:{self.redis_port}", "PROVIDER_SMS": provider}
            self.pods.append(ServerProcess(data, **{**SETTINGS, **pod}))
        await asyncio.gather(*(pod.start() for pod in self.pods))

    async def close(self) -> None:
        """Stops everything that was started."""
        for pod in self.pods:
            if not pod.ended:
                await pod.stop()
        await self.peer.close()
        self.servers.stop()

    async def during(self, fault: Awaitable[None]) -> Count:
        """Sends until the fault is over, waits for the end of all, and counts."""
        async with aiohttp.ClientSession() as http:
            senders = [asyncio.create_task(self._send(http, number)) for number in range(SENDERS)]
            await fault
            self._sending = False
            await asyncio.gather(*senders)
            return self.count(await self._settled(http))

    # -- sending

    async def _send(self, http: aiohttp.ClientSession, at: int) -> None:
        while self._sending:
            number = next(self._numbers)
            items = [_item(number, index) for index in range(BATCH)]
            while (answer := await self._post(http, at, number, items)) is None:
                at += 1
                await asyncio.sleep(0.05)
            self.accepted.update(row["id"] for row in answer["notifications"])
            await asyncio.sleep(PACE)

    async def _post(
        self, http: aiohttp.ClientSession, at: int, number: int, items: list[dict[str, Any]]
    ) -> dict[str, Any] | None:
        """The answer of a pod; None where there was none, or one that asks to come again."""
        url = f"{self.pods[at % 2].url}/api/v1/notifications/batch"
        headers = {"Idempotency-Key": f"batch-{number}"}
        try:
            async with asyncio.timeout(PATIENCE):
                async with http.post(url, json={"notifications": items}, headers=headers) as answer:
                    if answer.status in (409, 503):
                        return None
                    assert answer.status == 201, await answer.text()
                    return dict(await answer.json())
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    # -- counting

    async def _settled(self, http: aiohttp.ClientSession) -> dict[str, dict[str, Any]]:
        """The records of all that was accepted, once all have ended, or none has for `SETTLE` seconds: after a fault a
        busy machine may need minutes for what waited."""
        fewest, since = len(self.accepted) + 1, time.monotonic()
        while True:
            records = await self._records(http)
            left = sum(record["status"] not in FINAL for record in records.values())
            if left < fewest:
                fewest, since = left, time.monotonic()
            if not left or time.monotonic() - since > SETTLE:
                return records
            await asyncio.sleep(LOOK)

    async def _records(self, http: aiohttp.ClientSession) -> dict[str, dict[str, Any]]:
        records: dict[str, dict[str, Any]] = {}
        for page in itertools.count(1):
            url = f"{self.pods[0].url}/api/v1/notifications?limit=100&page={page}"
            async with http.get(url) as answer:
                assert answer.status == 200, await answer.text()
                rows = (await answer.json())["notifications"]
            records |= {row["id"]: row for row in rows}
            if not rows:
                return records
        raise AssertionError  # the count of pages has no end

    def count(self, records: dict[str, dict[str, Any]]) -> Count:
        """Counts the outcomes of all that was accepted, by its records; what is lost is named on stderr."""
        lost, explained, twice, repeated = [], 0, 0, 0
        for one in self.accepted:
            record, taken = records.get(one), self.peer.taken.get(one, [])
            status = record["status"] if record else "not stored"
            explained += status == "failed"
            if status != "failed" and not (status == "sent" and taken):
                lost.append(f"{one} is {status} and was taken {len(taken)} times")
            if record and status == "sent":
                recorded = datetime.fromisoformat(record["sent_at"]).timestamp()
                late = sum(at > recorded + 0.001 for at in taken)  # times are cut to milliseconds
                twice += late
                repeated += max(0, len(taken) - 1 - late)
        for line in lost[:5]:
            print(line, file=sys.stderr)
        return Count(len(self.accepted), len(lost), twice, repeated, explained, self.peer.longest_gap)


def _item(number: int, index: int) -> dict[str, Any]:
    priority = ("high", "normal", "low")[index % 3]
    return {"channel": "sms", "recipient": f"+90555{number:05d}{index:02d}", "content": "hi", "priority": priority}


# -- faults; each says what it did


async def kills(run: Run, seconds: float) -> str:
    """Kills one pod or the other while it sends, and starts it again."""
    end, killed = time.monotonic() + seconds, Counter[str]()
    while time.monotonic() < end:
        await asyncio.sleep(run.random.uniform(0.3, 1.0))
        pod = run.random.choice(run.pods)
        pod.kill()
        await pod.wait()
        killed[pod.data_dir.parent.name] += 1
        await pod.start()
    return f"{killed.total()} kills of two pods"


async def paused(run: Run, seconds: float) -> str:
    """Stops Redis (SIGSTOP) for a third of the time."""
    await asyncio.sleep(seconds / 3)
    run.servers.pause(run.redis_port)
    try:
        await asyncio.sleep(seconds / 3)
    finally:
        run.servers.resume(run.redis_port)
    await asyncio.sleep(seconds / 3)
    return f"Redis paused for {seconds / 3:.1f} s"


async def flapping(run: Run, seconds: float) -> str:
    """Makes the provider refuse and break off every other quarter of a second."""
    end, turns = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        run.peer.is_down = not run.peer.is_down
        turns += run.peer.is_down
        await asyncio.sleep(0.25)
    run.peer.is_down = False
    return f"down {turns} times, {run.peer.refused} tries refused"


FAULTS: dict[str, Callable[[Run, float], Awaitable[str]]] = {"kills": kills, "paused": paused, "flapping": flapping}


async def run_fault(name: str, seconds: float, folder: Path, seed: int) -> Count:
    """Does one run and prints its line."""
    run, said = Run(folder, seed), ""

    async def fault() -> None:
        nonlocal said
        said = await FAULTS[name](run, seconds)

    try:
        await run.open()
        count = await run.during(fault())
    finally:
        await run.close()
    print(f"{count}; {said}, seed {seed}", flush=True)
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("faults", nargs="*", metavar="fault", help=f"of {', '.join(FAULTS)}; default: all")
    options = parser.parse_args()
    if unknown := [name for name in options.faults if name not in FAULTS]:
        parser.error(f"no such fault: {', '.join(unknown)}")
    return 1 if asyncio.run(_run_all(options.faults or list(FAULTS), options.seconds, options.seed)) else 0


async def _run_all(names: Sequence[str], seconds: float, seed: int) -> int:
    wrong = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="notifier-deliveries-") as folder:
            wrong += (await run_fault(name, seconds, Path(folder), seed)).wrong
    return wrong


if __name__ == "__main__":
    sys.exit(main())
