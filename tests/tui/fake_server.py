"""A small admin server with the contract's shapes: it can go away and come back, ask for a token, and flood."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.tui.answers import ADMIN, Json, page_of, problem, rfc3339
from tests.tui.fake_cockpit import FakeCockpit, some_channels
from tests.tui.fake_deliveries import FakeDeliveries, some_deliveries


@dataclass
class FakeCluster:
    """The cluster that the fake server knows; tests write into it."""

    clients: list[Json] = field(default_factory=list)
    inboxes: dict[str, list[Json]] = field(default_factory=dict)
    pods: list[Json] = field(default_factory=list)
    metrics: Json = field(default_factory=dict)
    health: Json = field(default_factory=dict)
    retention: dict[str, int] = field(default_factory=dict)
    deliveries: FakeDeliveries = field(default_factory=FakeDeliveries)
    cockpit: FakeCockpit = field(default_factory=FakeCockpit)

    def __post_init__(self) -> None:
        self.cockpit.queues = self.deliveries.queues

    def connect(self, key: str, **more: Any) -> Json:
        user_id, _, login = key.partition("-")
        self.inboxes.setdefault(key, [])
        row: Json = {
            "connection_id": str(uuid.uuid4()),
            "user_id": int(user_id),
            "login": login,
            "pod_id": "pod-a",
            "remote": f"10.0.0.{len(self.clients) % 250 + 1}",
            "connected_at": rfc3339(time.time() - 60 * (len(self.clients) + 1)),
            "last_seen": rfc3339(time.time() - 2),
            "sent": 12,
            "acked": 9,
            "buffered": 0,
        }
        self.clients.append(row | more)
        return self.clients[-1]

    def store(self, key: str, message: str, source: str = "orders", read: bool = False, **more: Any) -> Json:
        """Adds a notification to an inbox; returns its history row."""
        user_id, _, login = key.partition("-")
        inbox = self.inboxes.setdefault(key, [])
        identity = str(uuid.uuid4())
        at = time.time() - 4000 + len(inbox)
        payload = {
            "notification_id": identity,
            "message": message,
            "created_at": rfc3339(at),
            "source": source,
            "target": {"id": int(user_id), "login": login},
        }
        row: Json = {
            "id": f"{int(at * 1000)}-{len(inbox)}",
            "notification_id": identity,
            "payload": payload | more,
            "read": read,
            "status": "read" if read else "unread",
        }
        inbox.append(row)
        return row

    def unread(self, key: str) -> list[Json]:
        return [row for row in self.inboxes.get(key, []) if row["status"] == "unread"]

    def connections(self, key: str) -> list[Json]:
        return [row for row in self.clients if f"{row['user_id']}-{row['login']}" == key]

    def figures(self) -> Json:
        unread = sum(len(self.unread(key)) for key in self.inboxes)
        counted = {"connections": len(self.clients), "users": len(self.inboxes), "pending": unread}
        return {"queue_size": 0, "pods": len(self.pods), "uptime_s": 93_000.0, **counted} | self.metrics


def small_cluster() -> FakeCluster:
    """Three users on two instances."""
    cluster = FakeCluster(deliveries=some_deliveries(), cockpit=some_channels())
    for pod, count in (("pod-a", 2), ("pod-b", 1)):
        row = {"pod_id": pod, "version": "1.0.0", "started_at": rfc3339(time.time() - 90_000), "heartbeat_age_s": 3.2}
        cluster.pods.append(row | {"connections": count, "locks": count, "bus_lag": 0, "alive": True})
    cluster.connect("1-alice", remote="10.0.0.1")
    cluster.connect("1-alice", remote="192.168.7.20", pod_id="pod-b")
    cluster.connect("2-bob", remote="10.0.0.3", buffered=300_000)
    for number in range(3):
        cluster.store("1-alice", f"order {number} is on its way")
    cluster.store("1-alice", "old one", read=True)
    cluster.store("3-carol", "waiting for carol", source="billing")
    cluster.retention["1-alice"] = 7
    latency = {"p50": 1.25, "p95": 4.8, "p99": 12.0}
    cluster.metrics = {"sent": 1000, "pushed": 2000, "acked": 900, "auto_cleared": 5, "latency_ms": latency}
    cluster.metrics |= {"version": "1.0.0", "pod_id": "pod-a", "trimmed": 0}
    components = {"redis": {"status": "ok", "mode": "embedded"}, "workers": {"status": "ok", "running": 6}}
    components |= {"kafka": {"status": "off"}, "providers": {"status": "off"}}
    cluster.health = {"status": "ok", "components": components, "version": "1.0.0", "pod_id": "pod-a", "uptime_s": 9.0}
    return cluster


class FakeServer:
    """Serves a cluster on 127.0.0.1; `start` again after `stop` comes back on the same port."""

    def __init__(self, cluster: FakeCluster | None = None, token: str | None = None) -> None:
        self.cluster = cluster or small_cluster()
        self.token = token
        self.port = 0
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Json] = []
        self.keys: list[str] = []
        self.refuse: dict[str, web.Response] = {}
        self.listeners: list[asyncio.Queue[bytes | None]] = []
        self._runner: web.AppRunner | None = None
        self._held: dict[str, asyncio.Event] = {}

    @contextlib.contextmanager
    def holding(self, start: str) -> Iterator[None]:
        """Answers nothing whose path begins so until the block is left."""
        self._held[start] = asyncio.Event()
        try:
            yield
        finally:
            self._held.pop(start).set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> FakeServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for queue in self.listeners:
            queue.put_nowait(None)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def emit(self, kind: str, count: int = 1, **facts: Any) -> None:
        """Sends an event to everybody who follows, `count` times in one piece."""
        event = {"type": kind, "time": rfc3339(time.time()), "pod_id": "pod-a", **facts}
        self.emit_raw(f"event: {kind}\ndata: {json.dumps(event)}\n\n".encode("utf-8", "replace") * count)

    def emit_raw(self, block: bytes) -> None:
        for queue in self.listeners:
            queue.put_nowait(block)

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/metrics", self._metrics),
            web.get("/health", self._health),
            web.get(f"{ADMIN}/clients", self._clients),
            web.delete(f"{ADMIN}/clients/{{id}}", self._disconnect),
            web.get(f"{ADMIN}/users", self._users),
            web.get(f"{ADMIN}/users/{{key}}", self._user),
            web.delete(f"{ADMIN}/users/{{key}}/pending", self._clear),
            web.get(f"{ADMIN}/pending", self._pending),
            web.get(f"{ADMIN}/history", self._history),
            web.get(f"{ADMIN}/pods", self._pods),
            web.get(f"{ADMIN}/events", self._events),
            web.post(f"{ADMIN}/broadcast", self._broadcast),
            web.post("/api/v1/notify", self._notify),
            web.get("/api/v1/inbox/{id}", self._inbox_item),
            web.post("/api/v1/inbox/mark", self._mark),
            *self.cluster.deliveries.routes(),
            *self.cluster.cockpit.routes(),
        ]

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return problem(401, "no token, or a wrong one")
        for start, released in list(self._held.items()):
            if request.path.startswith(start):
                await released.wait()
        for start, answer in self.refuse.items():
            if request.path.startswith(start):
                return web.Response(body=answer.body, status=answer.status, content_type=answer.content_type)
        return await handler(request)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.json_response(self.cluster.figures())

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response(self.cluster.health, status=200 if self.cluster.health["status"] == "ok" else 503)

    async def _clients(self, request: web.Request) -> web.Response:
        return web.json_response(page_of(request, "clients", self.cluster.clients))

    async def _disconnect(self, request: web.Request) -> web.Response:
        found = [row for row in self.cluster.clients if row["connection_id"] == request.match_info["id"]]
        if not found:
            return problem(404, "no such connection")
        self.cluster.clients.remove(found[0])
        return web.Response(status=204)

    async def _users(self, request: web.Request) -> web.Response:
        prefix = request.query.get("q", "")
        keys = [
            key for key in self.cluster.inboxes if key.startswith(prefix) or key.partition("-")[2].startswith(prefix)
        ]
        return web.json_response(page_of(request, "users", [self._user_row(key) for key in sorted(keys)]))

    def _user_row(self, key: str) -> Json:
        user_id, _, login = key.partition("-")
        row = {"user_id": int(user_id), "login": login, "connections": len(self.cluster.connections(key))}
        return row | {"pending": len(self.cluster.unread(key))}

    async def _user(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        if key not in self.cluster.inboxes:
            return problem(404, "no such user")
        row = self._user_row(key)
        connections = self.cluster.connections(key)
        body = {"user": {"user_id": row["user_id"], "login": row["login"]}, "connections": connections}
        body |= {"pending": row["pending"], "stored": len(self.cluster.inboxes[key])}
        owner = connections[0]["pod_id"] if connections else None
        return web.json_response(body | {"lock_owner": owner, "retention_days": self.cluster.retention.get(key)})

    async def _clear(self, request: web.Request) -> web.Response:
        rows = self.cluster.unread(request.match_info["key"])
        for row in rows:
            row.update(status="auto_cleared", payload=None)
        return web.json_response({"cleared": len(rows)})

    async def _pending(self, request: web.Request) -> web.Response:
        flat = [(key, row) for key in sorted(self.cluster.inboxes) for row in self.cluster.unread(key)]
        page = page_of(request, "rows", flat)
        users: dict[str, list[Json]] = {}
        for key, row in page.pop("rows"):
            users.setdefault(key, []).append({"id": row["id"], "payload": row["payload"], "read": False})
        total = page.pop("total")
        counts = {"total_pending": total, "users_with_pending": len({key for key, _ in flat})}
        return web.json_response({"pending_notifications": users} | counts | page)

    async def _history(self, request: web.Request) -> web.Response:
        key = f"{request.query['user_id']}-{request.query['login']}"
        rows = self.cluster.inboxes.get(key, [])
        user = {"user_id": int(request.query["user_id"]), "login": request.query["login"]}
        newest = rows[::-1][: int(request.query["limit"])]
        return web.json_response({"user": user, "notifications": newest, "total": len(rows)})

    def _row_of(self, request: web.Request, identity: str) -> Json | None:
        inbox = self.cluster.inboxes.get(f"{request.query['user_id']}-{request.query['login']}", [])
        return next((row for row in inbox if row["notification_id"] == identity and row["payload"]), None)

    async def _inbox_item(self, request: web.Request) -> web.Response:
        row = self._row_of(request, request.match_info["id"])
        if row is None:
            return problem(404, "no such notification in this inbox")
        return web.json_response(row["payload"] | {name: row[name] for name in row if name not in ("id", "payload")})

    async def _mark(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        row = self._row_of(request, body["ids"][0])
        if row is None:
            errors = [{"id": body["ids"][0], "error": "not_found"}]
            return web.json_response({"changed": 0, "counts": {}, "rev": 1, "errors": errors})
        mark, now = body["as"], rfc3339(time.time())
        if mark == "unread":
            row |= {"read": False, "status": "unread", "read_at": None}
        elif mark == "unarchived":
            row["archived_at"] = None
        else:
            row |= {"seen_at": row.get("seen_at") or now, f"{mark}_at": now}
            if mark != "seen":
                row |= {"read": True, "status": "read", "read_at": row.get("read_at") or now}
        return web.json_response({"changed": 1, "counts": {}, "rev": 2})

    async def _pods(self, request: web.Request) -> web.Response:
        return web.json_response({"pods": self.cluster.pods})

    async def _broadcast(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        users = {f"{row['user_id']}-{row['login']}" for row in self.cluster.clients}
        return web.json_response({"accepted": len(users)}, status=202)

    async def _notify(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        results = [{"target": target, "notification_id": str(uuid.uuid4())} for target in body["target"]]
        return web.json_response({"results": results}, status=202)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.listeners.append(queue)
        with contextlib.suppress(ConnectionResetError):
            await self._follow(response, queue, self.cluster.cockpit.earlier(request))
        self.listeners.remove(queue)
        return response

    async def _follow(self, response: web.StreamResponse, queue: asyncio.Queue[bytes | None], past: bytes) -> None:
        await response.write(b"retry: 1000\n: following\n\n" + past)
        while (block := await queue.get()) is not None:
            await response.write(block)
