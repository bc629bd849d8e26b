"""Deliveries in one minute: a batch over four channels, failures, a provider that is cut, priorities, a schedule.

    python -m tests.e2e.demo

The server is the real one, with its own Redis. Email, push and webhooks go through simulators of which a fifth of the
tries fail; SMS through a small carrier in this process, which is cut for a while. Every second a line says how it stands.
Exits 0 when every delivery ended sent, or cancelled as asked, or explained in the dead-letter queue.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.e2e.server import ServerProcess

BATCH = 240
CUT_AFTER, CUT_FOR = 1.0, 8.0  # seconds
SCHEDULED_IN = 8.0
PATIENCE = 60.0
SIMULATOR = "simulator://?success=0.8&latency=80ms"
SETTINGS = {
    "PROVIDER_EMAIL": SIMULATOR + "&permanent=0.3",
    "PROVIDER_WEBHOOK": SIMULATOR,
    "PROVIDER_PUSH_ANDROID": SIMULATOR,
    "RETRY_BACKOFF_1": "1s",
    "RETRY_BACKOFF_2": "2s",
    "RETRY_BACKOFF_3": "4s",
    "BREAKER_RESET": "3s",
    "API_RATE_LIMIT": "off",
    "RATE_LIMIT_PER_USER": "1000",
    "LOG_LEVEL": "error",
}
RECIPIENTS = {
    "sms": "+90555{0:07d}",
    "email": "user{0}@example.com",
    "push": "device-{0}",
    "webhook": "https://example.com/hooks/{0}",
}


class Carrier:
    """An SMS provider that takes messages, until its line is cut."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refused = 0
        self.cut = False

    async def take(self, request: web.Request) -> web.Response:
        """One message."""
        if self.cut:
            self.refused += 1
            raise web.HTTPServiceUnavailable
        await asyncio.sleep(0.25)
        body = await request.json()
        self.taken.append(body["id"])
        return web.json_response({"messageId": f"carrier-{len(self.taken)}"})

    async def cut_for_a_while(self) -> None:
        """Cuts the line, and mends it."""
        await asyncio.sleep(CUT_AFTER)
        self.cut = True
        await asyncio.sleep(CUT_FOR)
        self.cut = False


class Demo:
    """One run against one server."""

    def __init__(self, http: aiohttp.ClientSession, url: str, carrier: Carrier) -> None:
        self._http = http
        self._url = url
        self._carrier = carrier
        self._began = time.monotonic()

    async def run(self) -> bool:
        """Does all of it; whether everything ended as it should."""
        batch = await self._post("/api/v1/notifications/batch", {"notifications": _items()})
        print(f"batch of {batch['total']}: {batch['accepted']} accepted, {batch['rejected']} rejected")
        at = datetime.now(UTC) + timedelta(seconds=SCHEDULED_IN)
        later = await self._post("/api/v1/notifications", _one("email", 9001, scheduled_at=at.isoformat()))
        never = await self._post(
            "/api/v1/notifications",
            _one("sms", 9002, scheduled_at=(at + timedelta(hours=1)).isoformat()),
        )
        async with self._http.delete(f"{self._url}/api/v1/notifications/{never['id']}") as answer:
            print(f"one scheduled in {SCHEDULED_IN:g} s; another cancelled ({answer.status})")
        cut = asyncio.create_task(self._carrier.cut_for_a_while())
        statuses = await self._watch(batch["batch_id"])
        await cut
        return await self._conclude(batch, statuses, later["id"], never["id"], at)

    async def _watch(self, batch_id: str) -> dict[str, int]:
        """Says every second how it stands, until all has ended."""
        while True:
            statuses: dict[str, int] = (await self._get(f"/api/v1/batches/{batch_id}?limit=1"))["statuses"]
            circuits = {row["name"]: row["state"] for row in await self._providers() if row["state"] != "closed"}
            open_ones = "".join(f"   circuit of {name} {state}" for name, state in circuits.items())
            line = "  ".join(f"{name} {n}" for name, n in sorted(statuses.items()))
            print(f"{time.monotonic() - self._began:5.1f} s   {line}{open_ones}")
            if not statuses.keys() - {"sent", "failed"} or time.monotonic() - self._began > PATIENCE:
                return statuses
            await asyncio.sleep(1.0)

    async def _conclude(
        self, batch: dict[str, Any], statuses: dict[str, int], later: str, never: str, at: datetime
    ) -> bool:
        dead = await self._get("/api/v1/admin/dlq")
        for row in dead["reasons"]:
            print(f"dead letters: {row['count']} in {row['channel']}, {row['reason']}")
        scheduled = await self._get(f"/api/v1/notifications/{later}")
        first = (await self._get(f"/api/v1/notifications/{later}/status"))["attempts"][:1]
        late = (datetime.fromisoformat(first[0]["at"]) - at).total_seconds() * 1000 if first else float("nan")
        print(f"the scheduled one: {scheduled['status']}, tried {late:.0f} ms after its time")
        await self._print_waits(batch["batch_id"])
        twice = [one for one, times in Counter(self._carrier.taken).items() if times > 1]
        print(f"carrier: {len(self._carrier.taken)} taken, {self._carrier.refused} refused, {len(twice)} taken twice")
        explained = statuses.get("failed", 0) <= dead["total"]
        ended = not statuses.keys() - {"sent", "failed"}
        cancelled = (await self._get(f"/api/v1/notifications/{never}"))["status"] == "cancelled"
        fine = ended and explained and cancelled and scheduled["status"] in ("sent", "failed") and not twice
        total, sent = sum(statuses.values()), statuses.get("sent", 0)
        lost = total - sent - statuses.get("failed", 0)
        print(f"{'PASS' if fine else 'FAIL'}: {total} tried, {sent} sent, {dead['total']} explained as dead letters,")
        print(f"      {lost} lost, {len(twice)} sent twice")
        return fine

    async def _print_waits(self, batch_id: str) -> None:
        """Prints the wait of each priority: high first, always."""
        waits: dict[str, list[float]] = {}
        for page in range(1, 1 + -(-BATCH // 100)):
            for row in (await self._get(f"/api/v1/batches/{batch_id}?limit=100&page={page}"))["notifications"]:
                if row["channel"] != "sms" and row["status"] == "sent" and row["retry_count"] == 0:
                    seconds = _time(row["sent_at"]) - _time(row["created_at"])
                    waits.setdefault(row["priority"], []).append(seconds)
        for priority in ("high", "normal", "low"):
            values = waits.get(priority, [0.0])
            print(f"{priority:>8} waited {sum(values) / len(values):.2f} s on average (first tries, all but sms)")

    async def _providers(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self._get("/api/v1/admin/providers"))["providers"]
        return rows

    async def _get(self, path: str) -> dict[str, Any]:
        async with self._http.get(self._url + path) as answer:
            assert answer.status == 200, (path, answer.status, await answer.text())
            found: dict[str, Any] = await answer.json()
            return found

    async def _post(self, path: str, body: object) -> dict[str, Any]:
        async with self._http.post(self._url + path, json=body) as answer:
            assert answer.status == 201, (path, answer.status, await answer.text())
            found: dict[str, Any] = await answer.json()
            return found


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _one(channel: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "channel": channel,
        "recipient": RECIPIENTS[channel].format(number),
        "content": f"message {number}",
        "priority": ("low", "normal", "high")[number // len(RECIPIENTS) % 3],
        **more,
    }


def _items() -> list[dict[str, Any]]:
    channels = list(RECIPIENTS)
    return [_one(channels[number % len(channels)], number) for number in range(BATCH)]


async def demonstrate(folder: Path) -> bool:
    """Runs server, carrier and demo; whether all went well."""
    carrier = Carrier()
    app = web.Application()
    app.router.add_post("/sms", carrier.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server = ServerProcess(folder, PROVIDER_SMS=f"http://127.0.0.1:{port}/sms", **SETTINGS)
    try:
        await server.start()
        async with aiohttp.ClientSession() as http:
            return await Demo(http, server.url, carrier).run()
    finally:
        if not server.ended:
            await server.stop()
        await runner.cleanup()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="notifier-demo-") as folder:
        return 0 if asyncio.run(demonstrate(Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
