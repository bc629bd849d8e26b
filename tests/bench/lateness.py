"""The lateness of scheduled deliveries and of retries: `make bench-lateness`.

    python -m tests.bench.lateness [--deliveries 500] [--workers 1]

A provider of its own notes when each message comes. Late is the time between the moment for which the record says the
try is due (`scheduled_at`, `next_retry_at`) and the message's coming, sending included. Prints three lines: deliveries
scheduled for moments spread over ten seconds, as many retries after a first try that failed, and as many deliveries
scheduled for one and the same moment, which tells how fast a pile is worked off.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.e2e.server import ServerProcess, free_port

BATCH = 1000
AHEAD, SPREAD = 3.0, 10.0  # seconds until the first is due, and from the first to the last
BACKOFF = 5.0  # seconds before a retry, give or take a fifth
PATIENCE = 60.0
SETTINGS = {
    "RATE_LIMIT_PER_USER": "1000000",
    "RATE_LIMIT_PER_CHANNEL": "1000000",
    "API_RATE_LIMIT": "off",
    "SMS_WORKERS": "100",
    "RETRY_BACKOFF_1": f"{BACKOFF:g}s",
    "BREAKER_FAILURES": "1000",
}
MOST = 900  # deliveries; so many first tries may fail without opening the circuit


class Provider:
    """Takes messages and notes when; refuses the first try of those whose content says so."""

    def __init__(self) -> None:
        self.port = free_port()
        self.came: dict[str, list[float]] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        now = time.time()
        message = await request.json()
        tries = self.came.setdefault(message["id"], [])
        tries.append(now)
        refused = message["content"] == "twice" and len(tries) == 1
        return web.Response(status=503 if refused else 200)


async def post(http: aiohttp.ClientSession, url: str, items: list[dict[str, Any]]) -> list[str]:
    """Posts a batch; the ids in its order."""
    async with http.post(f"{url}/api/v1/notifications/batch", json={"notifications": items}) as answer:
        assert answer.status == 201, await answer.text()
        return [row["id"] for row in (await answer.json())["notifications"]]


def item(number: int, **fields: str) -> dict[str, Any]:
    return {"channel": "sms", "recipient": f"+90555{number:07d}", "content": "once", **fields}


def text_of(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def until_came(provider: Provider, ids: list[str], tries: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while not all(len(provider.came.get(one, ())) >= tries for one in ids):
            await asyncio.sleep(0.02)


async def scheduled(http: aiohttp.ClientSession, url: str, provider: Provider, moments: list[float]) -> list[float]:
    """The lateness of deliveries for these moments, in seconds."""
    ids = await post(http, url, [item(n, scheduled_at=text_of(moment)) for n, moment in enumerate(moments)])
    await until_came(provider, ids, 1)
    return [provider.came[one][0] - moment for one, moment in zip(ids, moments, strict=True)]


async def retried(http: aiohttp.ClientSession, url: str, provider: Provider, deliveries: int) -> list[float]:
    """The lateness of the first retries of so many deliveries, in seconds."""
    ids = await post(http, url, [item(n, content="twice") for n in range(deliveries)])
    await until_came(provider, ids, 1)
    due: dict[str, float] = {}
    async with asyncio.timeout(BACKOFF * 0.8):  # the first retry ends the time in which all can be read
        while len(due) < deliveries:
            due |= await _retries_due(http, url)
    await until_came(provider, ids, 2)
    return [provider.came[one][1] - due[one] for one in ids]


async def _retries_due(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for page in range(1, MOST // 100 + 2):
        async with http.get(f"{url}/api/v1/notifications?status=retrying&limit=100&page={page}") as answer:
            rows = (await answer.json())["notifications"]
        found |= {row["id"]: datetime.fromisoformat(row["next_retry_at"]).timestamp() for row in rows}
        if len(rows) < 100:
            break
    return found


def tell(name: str, late: list[float]) -> None:
    ordered = sorted(seconds * 1000 for seconds in late)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    print(f"{name:34}{len(late):>6}  late by p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {ordered[-1]:.0f} ms", flush=True)


async def measure(folder: Path, deliveries: int, workers: int) -> None:
    provider = Provider()
    await provider.start()
    (folder / "data").mkdir()
    url = f"http://127.0.0.1:{provider.port}/"
    server = ServerProcess(folder / "data", arguments=("--workers", str(workers)), PROVIDER_SMS=url, **SETTINGS)
    await server.start()
    try:
        async with aiohttp.ClientSession() as http:
            begin = time.time() + AHEAD
            moments = [round(begin + random.uniform(0, SPREAD), 3) for _ in range(deliveries)]
            tell("scheduled, spread over 10 s", await scheduled(http, server.url, provider, moments))
            tell("retried", await retried(http, server.url, provider, deliveries))
            one = [round(time.time() + AHEAD, 3)] * deliveries
            tell("scheduled for one moment", await scheduled(http, server.url, provider, one))
    finally:
        await server.stop()
        await provider.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=500, help=f"1-{MOST}")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        asyncio.run(measure(Path(folder), min(MOST, max(1, options.deliveries)), options.workers))


if __name__ == "__main__":
    main()
