"""A load test of a running server: users who read what they are sent, and a sender at a steady rate.

Latency counts from the moment a message was due, not from when it was sent: a server that falls behind cannot hide it
(coordinated omission).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp

CONNECTS_AT_A_TIME = 50
LOGIN = "bench"


class Plan(NamedTuple):
    """A run: users, messages per second, seconds, recipients per request, and the longest wait in seconds for messages
    under way after the last one."""

    users: int
    rate: float
    duration: float
    batch: int
    drain: float


class Load:
    """One load test."""

    def __init__(self, url: str, token: str | None, plan: Plan, on_progress: Callable[[str], None]) -> None:
        """`on_progress` is given a line now and then."""
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._plan = plan
        self._say = on_progress
        self._due: dict[str, float] = {}
        self._latencies: list[float] = []
        self._seen: set[str] = set()
        self._duplicated = 0
        self._acked = 0
        self._refused = 0
        self._first_user = int(time.time() * 1000)  # users of their own: an earlier run's inbox is not this one's

    async def run(self) -> dict[str, Any]:
        """Does the test; the figures, under the names of `--json`. Raises `aiohttp.ClientError` or `OSError`."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=15)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(headers=self._headers, connector=connector, timeout=timeout) as http:
            readers = await self._connect(http)
            begun = time.perf_counter()
            await self._send_all(http)
            await self._drain()
            taken = time.perf_counter() - begun
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        return self._figures(taken)

    async def _connect(self, http: aiohttp.ClientSession) -> list[asyncio.Task[None]]:
        gate, ready = asyncio.Semaphore(CONNECTS_AT_A_TIME), 0
        readers: list[asyncio.Task[None]] = []

        async def connect(number: int) -> None:
            nonlocal ready
            user = self._first_user + number
            async with gate:
                socket = await http.ws_connect(f"{self._url}/ws?user_id={user}&login={LOGIN}", max_msg_size=2**20)
                while (await socket.receive_json(timeout=15))["type"] != "sync.complete":
                    continue
            readers.append(asyncio.create_task(self._read(socket)))
            ready += 1
            if ready % 500 == 0 or ready == self._plan.users:
                self._say(f"{ready} of {self._plan.users} users connected")

        await asyncio.gather(*(connect(number) for number in range(self._plan.users)))
        return readers

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = json.loads(frame.data)
            if message["type"] == "notification.read.ack":
                self._acked += 1
            elif message["type"] == "notification.push":
                self._note(message["data"])
                data = {name: message["data"][name] for name in ("notification_id", "stream_id")}
                await socket.send_str(json.dumps({"type": "notification.read", "data": data}))

    def _note(self, push: dict[str, Any]) -> None:
        notification_id = push["notification_id"]
        if notification_id in self._seen:
            self._duplicated += 1
            return
        self._seen.add(notification_id)
        self._latencies.append(time.perf_counter() - float(push["message"].split()[0]))

    async def _send_all(self, http: aiohttp.ClientSession) -> None:
        plan, sending = self._plan, set[asyncio.Task[None]]()
        requests = max(1, round(plan.rate * plan.duration / plan.batch))
        begun = time.perf_counter()
        for number in range(requests):
            due = begun + number * plan.batch / plan.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(self._send(http, number, due))
            sending.add(task)
            task.add_done_callback(sending.discard)
            if number % max(1, round(plan.rate / plan.batch)) == 0:
                self._say(f"{time.perf_counter() - begun:.0f} s: {len(self._due)} sent, {len(self._seen)} delivered")
        await asyncio.gather(*sending)

    async def _send(self, http: aiohttp.ClientSession, number: int, due: float) -> None:
        users = [self._first_user + (number * self._plan.batch + i) % self._plan.users for i in range(self._plan.batch)]
        target = [{"id": user, "login": LOGIN} for user in dict.fromkeys(users)]
        body = {"target": target, "message": f"{due!r} of the load test", "source": "bench", "ttl": "5m"}
        async with http.post(f"{self._url}/api/v1/notify", json=body) as answer:
            if answer.status != 202:
                self._refused += len(target)
                return
            for result in (await answer.json())["results"]:
                self._due[result["notification_id"]] = due

    async def _drain(self) -> None:
        deadline = time.perf_counter() + self._plan.drain
        while time.perf_counter() < deadline:
            if self._due.keys() <= self._seen and self._acked >= len(self._due):
                return
            await asyncio.sleep(0.01)

    def _figures(self, taken: float) -> dict[str, Any]:
        ordered = sorted(self._latencies)
        lost = len(self._due.keys() - self._seen)
        return {
            "sent": len(self._due),
            "refused": self._refused,
            "delivered": len(self._seen & self._due.keys()),
            "acked": self._acked,
            "lost": lost,
            "duplicated": self._duplicated,
            "throughput_per_s": round(len(self._seen) / taken, 1),
            "latency_ms": {
                "p50": _percentile(ordered, 0.5),
                "p95": _percentile(ordered, 0.95),
                "p99": _percentile(ordered, 0.99),
                "max": _percentile(ordered, 1.0),
            },
            "duration_s": round(taken, 2),
        }


def _percentile(ordered: list[float], share: float) -> float | None:
    """Milliseconds below which `share` of the values lie; None when there are none."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 3)
