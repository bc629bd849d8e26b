"""A server under life, for a dashboard to look at: users connected, every channel with failures, an open circuit, dead
letters, schedules, names in five scripts.

    python -m tests.e2e.life [--port 8090] [--minutes 60] [--rate 5]

Prints the server's URL, and ends after so many minutes or with Ctrl+C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.e2e.server import ServerProcess

NAMES = ("alice", "ольга", "محمد", "王小明", "さくら", "δημήτρης", "chloé", "김민준", "bob", "zoë")
USERS = 48
FAULTY = "simulator://?success=0.7&latency=60ms&permanent=0.2"
SETTINGS = {
    "PROVIDER_EMAIL": FAULTY,
    "PROVIDER_WEBHOOK": FAULTY,
    "PROVIDER_PUSH_IOS": FAULTY,
    "PROVIDER_PUSH_ANDROID": FAULTY,
    "RETRY_BACKOFF_1": "2s",
    "RETRY_BACKOFF_2": "5s",
    "RETRY_BACKOFF_3": "10s",
    "BREAKER_RESET": "30s",
    "API_RATE_LIMIT": "off",
    "RATE_LIMIT_PER_USER": "100000",
    "LOG_LEVEL": "error",
}
RECIPIENTS = {
    "sms": "+90555{0:07d}",
    "email": "user{0}@example.com",
    "push": "device-{0}",
    "webhook": "https://example.com/hooks/{0}",
}
_PROVIDERS = (
    "PROVIDER_SMS",
    "PROVIDER_EMAIL",
    "PROVIDER_WEBHOOK",
    "PROVIDER_PUSH_IOS",
    "PROVIDER_PUSH_ANDROID",
    "PROVIDER_PUSH_WEB",
)
PRIORITIES = ("low", "normal", "high")


class Life:
    """Users who connect, read and leave; senders who send; deliveries that succeed, fail and wait."""

    def __init__(self, http: aiohttp.ClientSession, url: str, rate: float, calm: float) -> None:
        """`rate` is notifications a second to users; of deliveries there are a tenth as many."""
        self._http = http
        self._url = url
        self._rate = rate
        self._calm = calm
        self._random = random.Random(7)
        self._numbers = itertools.count()

    async def run(self) -> None:
        """Lives until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(USERS):
                group.create_task(self._user(number))
            await asyncio.sleep(self._calm)
            group.create_task(self._send())
            group.create_task(self._deliver())

    async def _user(self, number: int) -> None:
        """Reads about two thirds of what comes; the fifth of the users come and go."""
        target = f"user_id={number + 1}&login={NAMES[number % len(NAMES)]}"
        while True:
            with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError):
                stays = self._random.uniform(5, 40) if number % 5 == 0 else None
                async with asyncio.timeout(stays):
                    await self._follow(target)
            await asyncio.sleep(self._random.uniform(1, 5))

    async def _follow(self, target: str) -> None:
        async with self._http.ws_connect(f"{self._url}/ws?{target}", heartbeat=20) as socket:
            async for message in socket:
                row = json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else {}
                if row.get("type") == "notification.push" and self._random.random() < 0.66:
                    which = {name: row["data"][name] for name in ("notification_id", "stream_id")}
                    await socket.send_json({"type": "notification.read", "data": which})

    async def _send(self) -> None:
        while True:
            number = next(self._numbers)
            who = self._random.randrange(USERS + 12)
            target = {"id": who + 1, "login": NAMES[who % len(NAMES)]}
            body = {"target": [target], "message": f"order {number} of {target['login']}", "source": "shop"}
            await self._post("/api/v1/notify", body)
            await asyncio.sleep(1 / self._rate)

    async def _deliver(self) -> None:
        while True:
            number = next(self._numbers)
            channel = self._random.choice(list(RECIPIENTS))
            body = {
                "channel": channel,
                "recipient": RECIPIENTS[channel].format(number),
                "content": f"your order {number}, {self._random.choice(NAMES)}",
                "priority": self._random.choice(PRIORITIES),
            }
            if number % 7 == 0:
                body["scheduled_at"] = (datetime.now(UTC) + timedelta(minutes=self._random.uniform(1, 90))).isoformat()
            await self._post("/api/v1/notifications", body)
            await asyncio.sleep(10 / self._rate)

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError):
            async with self._http.post(self._url + path, json=body) as answer:
                await answer.read()


@asynccontextmanager
async def living(
    folder: Path, port: int = 0, rate: float = 5.0, calm: float = 0.0, fine: bool = False, **settings: str
) -> AsyncIterator[ServerProcess]:
    """A server with life in it, at first `calm` seconds in which users are connected and nobody sends. SMS go to a
    carrier that is down: its circuit opens; on a `fine` day every carrier takes what it is sent."""
    carrier = web.Application()
    carrier.router.add_post("/down", _down)
    carrier.router.add_post("/up", _takes)
    runner = web.AppRunner(carrier)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place = f"http://127.0.0.1:{runner.addresses[0][1]}"
    environment = {**SETTINGS, "PROVIDER_SMS": f"{place}/down"}
    if fine:
        environment |= dict.fromkeys(_PROVIDERS, f"{place}/up")
    environment |= settings
    server = ServerProcess(folder, port, (), (), **environment)
    try:
        await server.start()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            life = asyncio.create_task(Life(http, server.url, rate, calm).run())
            yield server
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life
    finally:
        if not server.ended:
            await server.stop()
        await runner.cleanup()


async def _down(request: web.Request) -> web.Response:
    raise web.HTTPServiceUnavailable


async def _takes(request: web.Request) -> web.Response:
    """Another carrier, which takes everything in some 40 ms."""
    await asyncio.sleep(random.uniform(0.02, 0.06))
    return web.json_response({"messageId": "1"})


async def _main(port: int, minutes: float, rate: float, fine: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="notifier-life-") as folder:
        async with living(Path(folder, "data"), port, rate, fine=fine) as server:
            print(server.url, flush=True)
            await asyncio.sleep(60 * minutes)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--fine", action="store_true", help="a day on which nothing fails")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server ends too
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(given.port, given.minutes, given.rate, given.fine))


if __name__ == "__main__":
    main()
