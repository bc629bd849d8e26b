"""Deliveries a second through the simulator, and how long lists take with many records kept: `make bench-deliveries`.

    python -m tests.bench.deliveries [--deliveries 20000] [--records 1000000]

The simulator takes everything at once and all limits are raised, so what is measured is the way from HTTP to `sent`.
Batches of 1,000 are posted by four callers. CPU is that of all processes of a kind, divided by the deliveries.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from notifier.domain.deliveries import Filter
from notifier.domain.status import Status
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Found, NewDelivery, digest
from notifier.store.keys import Keys
from notifier.store.redis.address import Address
from notifier.store.redis.single import SingleRedis
from tests.bench.measure import cpu_seconds
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import ServerProcess, free_port

BATCH = 1000
CALLERS = 4
PATIENCE = 300.0  # seconds
HANDS = "500"
RAISED = {
    "PROVIDER_SMS": "simulator://?success=1&latency=0s",
    "RATE_LIMIT_PER_USER": "1000000",
    "RATE_LIMIT_PER_CHANNEL": "100000",
    "API_RATE_LIMIT": "off",
    "SMS_WORKERS": HANDS,
    "MAX_QUEUE_SIZE": "5000",
}
USERS = 1000
CHANNELS, CHANNELS_OF_ONE = ("sms", "push"), ("sms", "email", "webhook")
TIMES = 7  # each list is asked for so often; the table shows the median and the longest


class Server:
    """The program under load."""

    def __init__(self, folder: Path, workers: int) -> None:
        (folder / "data").mkdir(parents=True)
        self.process = ServerProcess(folder / "data", arguments=("--workers", str(workers)), **RAISED)

    def cpu(self) -> tuple[float, float]:
        """CPU seconds that the pods and their Redis have used."""
        found = self.process.descendants()
        redis = sum(cpu_seconds(pid) for pid, name in found.items() if name == "redis-server")
        pods = sum(cpu_seconds(pid) for pid, name in found.items() if name != "redis-server")
        return pods + cpu_seconds(self.process.pid), redis


async def through(folder: Path, deliveries: int, workers: int) -> None:
    """Posts so many, waits until all are sent, prints a line."""
    server = Server(folder, workers)
    await server.process.start()
    try:
        async with aiohttp.ClientSession() as http:
            pods, redis = server.cpu()
            began = time.perf_counter()
            batches = iter(range(deliveries // BATCH))
            await asyncio.gather(*(_post(http, server.process.url, batches) for _ in range(CALLERS)))
            accepted = time.perf_counter() - began
            await _until_sent(http, server.process.url, deliveries)
            sent = time.perf_counter() - began
            pods_after, redis_after = server.cpu()
    finally:
        await server.process.stop()
    print(
        f"{workers} worker{'s' if workers > 1 else ''}: {deliveries / accepted:,.0f} accepted/s, "
        f"{deliveries / sent:,.0f} sent/s (from the first request to the last record); CPU per delivery: "
        f"pods {(pods_after - pods) / deliveries * 1e6:.0f} µs, Redis {(redis_after - redis) / deliveries * 1e6:.0f} µs",
        flush=True,
    )


async def _post(http: aiohttp.ClientSession, url: str, batches: Iterator[int]) -> None:
    for number in batches:
        items = [
            {"channel": "sms", "recipient": f"+9055{number:04d}{index:04d}", "content": "hi"} for index in range(BATCH)
        ]
        async with http.post(f"{url}/api/v1/notifications/batch", json={"notifications": items}) as answer:
            assert answer.status == 201, await answer.text()
            assert (await answer.json())["accepted"] == BATCH


async def _until_sent(http: aiohttp.ClientSession, url: str, deliveries: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            async with http.get(f"{url}/api/v1/notifications?status=sent&limit=1") as answer:
                if (await answer.json())["total"] == deliveries:
                    return
            await asyncio.sleep(0.05)


# -- lists


async def lists(folder: Path, records: int) -> None:
    """Fills a store and prints how long a page of every combination of filters takes."""
    servers, port = RedisServers(folder), free_port()
    servers.start(port, "--save", "", "--appendonly", "no")
    redis = SingleRedis(Address("127.0.0.1", port), Keys())
    try:
        assert await servers.ask(port, "PING") == b"PONG"
        await redis.start()
        assert await redis.wait_up(5)
        store = Deliveries(redis)
        began = time.perf_counter()
        newest = await _fill(store, records)
        print(f"{records:,} records stored in {time.perf_counter() - began:.0f} s; a page of 20, ms:", flush=True)
        print(f"{'filter':44}{'total':>12}{'median':>9}{'longest':>9}{'Redis held':>12}")
        for names, wanted, page in _combinations(newest):
            times, held, found = await _time(redis, store, wanted, page)
            total = f"{found.total:,}" if found.exact else f">= {found.total:,}"
            print(f"{names:44}{total:>12}{statistics.median(times):>9.1f}{max(times):>9.1f}{held:>12.1f}", flush=True)
    finally:
        await redis.stop()
        servers.stop()


async def _fill(store: Deliveries, records: int) -> int:
    """One user has half of all and next to nothing in the channel push, 500 share the other half; the time of the newest."""
    now = int(time.time() * 1000)
    for start in range(0, records, BATCH):
        await store.create([_record(now + n, n) for n in range(start, min(records, start + BATCH))], 60_000)
    return now + records


def _record(moment: int, number: int) -> NewDelivery:
    channels, one = (CHANNELS_OF_ONE, 0) if number % 2 else (CHANNELS, number % USERS)
    channel = channels[(number // 2 + number // USERS) % len(channels)]
    later = moment + 86_400_000 if number // 8 % 3 == 0 else None
    document = b'{"id":"%d","channel":"%b","recipient":"r","content":"hi","created_at":""}' % (number, channel.encode())
    whom = digest(f"user {one}"), digest(f"recipient {one}")
    return NewDelivery(f"r{number}", document, channel, "normal", later, None, moment, moment, 3, *whom, "")


def _combinations(newest: int) -> Iterator[tuple[str, Filter, int]]:
    """The requests to be timed: a name, the filter, the page."""
    choices: dict[str, Any] = {
        "status": Status.QUEUED,
        "channel": "sms",
        "recipient": "recipient 2",
        "user": "user 2",
        "start": newest - 500_000,
    }
    for count in range(len(choices) + 1):
        for names in itertools.combinations(choices, count):
            yield ", ".join(names) or "none", Filter(**{name: choices[name] for name in names}), 1
    one = "user with half of all"
    yield one, Filter(user="user 0"), 1
    yield f"{one}, page 20,000", Filter(user="user 0"), 20_000
    yield f"{one}, status", Filter(user="user 0", status=Status.QUEUED), 1
    yield f"{one}, status, page 1,000", Filter(user="user 0", status=Status.QUEUED), 1000
    yield f"{one}, status, recipient", Filter(user="user 0", status=Status.QUEUED, recipient="recipient 0"), 1
    seldom = Filter(user="user 0", channel="push")
    yield f"{one}, channel of 500 of them", seldom, 1
    yield f"{one}, the same, page 26 (empty)", seldom, 26
    yield "recipient with half of all, channel", Filter(recipient="recipient 0", channel="sms"), 1


async def _time(redis: SingleRedis, store: Deliveries, wanted: Filter, page: int) -> tuple[list[float], float, Found]:
    """The ms that each of some lists took, the ms that one command held the server up at most, the list."""
    times = []
    await redis.call("CONFIG", "SET", "slowlog-log-slower-than", 0, "slowlog-max-len", 1000)
    await redis.call("SLOWLOG", "RESET")
    for _ in range(TIMES):
        began = time.perf_counter()
        found = await store.search(wanted, (page - 1) * 20, 20)
        times.append((time.perf_counter() - began) * 1000)
    held = max(entry[2] for entry in await redis.call("SLOWLOG", "GET", 1000)) / 1000
    return times, held, found


async def _all(deliveries: int, records: int) -> None:
    for workers in (1, 2) if deliveries else ():
        with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
            await through(Path(folder), deliveries, workers)
    if records:
        with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
            await lists(Path(folder), records)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--records", type=int, default=1_000_000)
    options = parser.parse_args()
    asyncio.run(_all(options.deliveries // BATCH * BATCH, options.records))


if __name__ == "__main__":
    main()
