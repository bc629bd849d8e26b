"""A stand-in for the server, in memory: the shapes, orders and close codes that the page sees, and nothing more.

It lets the page be built and looked at without Redis: `python -m tests.page.stub_server [port]`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

STATIC = Path(__file__).resolve().parents[2] / "notifier" / "web" / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SERVICE_RESTART = 1012
SHOWN = ("title", "url", "category", "priority", "data")

Json = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def problem(status: int, title: str, errors: list[Json] | None = None) -> web.Response:
    body = {"type": "about:blank", "title": title, "status": status, "detail": title, "errors": errors or []}
    return web.json_response(body, status=status, content_type="application/problem+json")


class Inbox:
    """One user's entries, oldest first: [stream id, payload, read]."""

    def __init__(self, user_id: int, login: str) -> None:
        self.user_id, self.login = user_id, login
        self.entries: list[tuple[str, Json]] = []
        self.read: set[str] = set()
        self.cleared: list[Json] = []

    @property
    def key(self) -> str:
        return f"{self.user_id}-{self.login}"

    def unread(self) -> list[tuple[str, Json]]:
        return [entry for entry in self.entries if entry[1]["notification_id"] not in self.read]

    def push(self, entry: tuple[str, Json]) -> Json:
        stream_id, payload = entry
        read = payload["notification_id"] in self.read
        shown = {name: value for name, value in payload.items() if name != "target"}
        return shown | {"stream_id": stream_id, "status": "read" if read else "unread", "read": read}

    def replay(self) -> list[tuple[str, Json]]:
        read = [entry for entry in self.entries if entry[1]["notification_id"] in self.read]
        return self.unread() + read[-100:]


class Connection:
    def __init__(self, inbox: Inbox, socket: web.WebSocketResponse, remote: str) -> None:
        self.inbox, self.socket, self.remote = inbox, socket, remote
        self.id, self.connected_at, self.sent, self.acked = str(uuid.uuid4()), now(), 0, 0

    async def say(self, type_: str, data: Any) -> None:
        self.sent += type_ == "notification.push"
        await self.socket.send_json({"type": type_, "data": data})

    def row(self) -> Json:
        return {
            "connection_id": self.id,
            "user_id": self.inbox.user_id,
            "login": self.inbox.login,
            "pod_id": "stub-1",
            "remote": self.remote,
            "connected_at": self.connected_at,
            "last_seen": now(),
            "sent": self.sent,
            "acked": self.acked,
            "buffered": 0,
        }


class Stub:
    """The state, which outlives restarts, and the routes."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self.inboxes: dict[str, Inbox] = {}
        self.connections: dict[str, Connection] = {}
        self.listeners: set[asyncio.Queue[Json | None]] = set()
        self.counters = dict.fromkeys(("sent", "pushed", "acked", "auto_cleared", "trimmed"), 0)
        self.sequence = itertools.count()
        self.started = time.monotonic()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self.page)
        app.router.add_get("/ws", self.ws)
        app.router.add_post("/api/v1/notify", self.notify)
        app.router.add_post("/api/v1/admin/broadcast", self.broadcast)
        app.router.add_get("/api/v1/metrics", self.metrics)
        for name in ("clients", "pending", "history", "events"):
            app.router.add_get(f"/api/v1/admin/{name}", getattr(self, name))
        app.router.add_static("/", STATIC)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        guarded = request.path.startswith(("/api/", "/ws"))
        if self.token and guarded and self._token_of(request) != self.token:
            return problem(401, "a token is needed")
        response: web.StreamResponse = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = CSP
            response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _token_of(self, request: web.Request) -> str:
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(", ")
        bearer = [name.removeprefix("bearer.") for name in offered if name.startswith("bearer.")]
        return bearer[0] if bearer else request.headers.get("Authorization", "").removeprefix("Bearer ")

    async def page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "index.html")

    def inbox(self, user_id: int, login: str) -> Inbox:
        return self.inboxes.setdefault(f"{user_id}-{login}", Inbox(user_id, login))

    def emit(self, type_: str, **facts: Any) -> None:
        for queue in self.listeners:
            queue.put_nowait({"type": type_, "time": now(), "pod_id": "stub-1", **facts})

    # -- doors

    async def notify(self, request: web.Request) -> web.Response:
        body = await request.json()
        errors = self._errors(body)
        if errors:
            return problem(422, f"{len(errors)} fields are not valid", errors)
        users = [self.inbox(target["id"], target["login"]) for target in body["target"]]
        results = [
            {"target": {"id": user.user_id, "login": user.login}, "notification_id": await self.store(user, body)}
            for user in users
        ]
        return web.json_response({"results": results}, status=202)

    def _errors(self, body: Json) -> list[Json]:
        found = [] if body.get("message") else [{"path": "message", "message": "must have 1-8192 characters, has 0"}]
        if len(body.get("source", "")) > 128:
            found.append({"path": "source", "message": "must have at most 128 characters"})
        for index, target in enumerate(body.get("target", [])):
            if any(char in "<>\"'&;(){}[] \u202e" for char in target["login"]):
                path = f"target[{index}].login"
                found.append({"path": path, "message": "must be 1-128 letters, marks, digits or _ . @ + -"})
        if body.get("url", "/").startswith("javascript:"):
            found.append({"path": "url", "message": "must be an absolute URL or begin with /"})
        return found

    async def broadcast(self, request: web.Request) -> web.Response:
        body = await request.json()
        errors = self._errors(body)
        if errors:
            return problem(422, f"{len(errors)} fields are not valid", errors)
        users = {connection.inbox.key: connection.inbox for connection in self.connections.values()}
        for user in users.values():
            await self.store(user, body)
        return web.json_response({"accepted": len(users)}, status=202)

    async def store(self, inbox: Inbox, body: Json) -> str:
        notification_id = str(uuid.uuid4())
        payload = {"notification_id": notification_id, "message": body["message"]}
        payload |= {"created_at": body.get("created_at", now()), "source": body.get("source", "")}
        payload |= {name: body[name] for name in SHOWN if name in body}
        payload["target"] = {"id": inbox.user_id, "login": inbox.login}
        entry = (f"{time.time_ns() // 1_000_000}-{next(self.sequence)}", payload)
        inbox.entries = [*inbox.entries, entry][-100:]
        self.counters["sent"] += 1
        facts = {"user_id": inbox.user_id, "login": inbox.login, "notification_id": notification_id}
        self.emit("notification.stored", **facts, stream_id=entry[0], message=body["message"][:120])
        for connection in self._of(inbox):
            self.counters["pushed"] += 1
            await connection.say("notification.push", inbox.push(entry))
        return notification_id

    def _of(self, inbox: Inbox) -> list[Connection]:
        return [connection for connection in self.connections.values() if connection.inbox is inbox]

    # -- WebSocket

    async def ws(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("notifier.v1",))
        await socket.prepare(request)
        inbox = self.inbox(int(request.query["user_id"]), request.query["login"])
        connection = Connection(inbox, socket, f"{request.remote}")
        await self._replay(connection)
        self.connections[connection.id] = connection
        facts = {"connection_id": connection.id, "user_id": inbox.user_id, "login": inbox.login}
        self.emit("client.connected", **facts, remote=connection.remote)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._obey(connection, json.loads(message.data))
        self.connections.pop(connection.id, None)
        self.emit("client.disconnected", **facts, remote=connection.remote)
        return socket

    async def _replay(self, connection: Connection) -> None:
        inbox = connection.inbox
        for cleared in inbox.cleared:
            await connection.say("notification.push", cleared)
        inbox.cleared.clear()
        for entry in inbox.replay():
            await connection.say("notification.push", inbox.push(entry))
        pending, total = len(inbox.unread()), len(inbox.entries)
        await connection.say("sync.complete", {"pending": pending, "total": total})

    async def _obey(self, connection: Connection, message: Json) -> None:
        inbox, data = connection.inbox, message["data"]
        if message["type"] == "notification.read":
            await self._read(connection, [entry for entry in inbox.entries if entry[0] == data["stream_id"]])
        elif message["type"] == "notification.read_all":
            await self._read(connection, [entry for entry in inbox.unread() if entry[0] <= data["up_to"]])
        elif message["type"] == "sync.request":
            newest = inbox.entries[-data.get("limit", 50) :]
            await connection.say("sync.response", [inbox.push(entry) for entry in newest])
        elif message["type"] == "retention.set":
            await connection.say("retention.ack", {"days": data["days"]})

    async def _read(self, connection: Connection, entries: list[tuple[str, Json]]) -> None:
        inbox = connection.inbox
        for stream_id, payload in entries:
            ids = {"notification_id": payload["notification_id"], "stream_id": stream_id}
            self.counters["acked"] += payload["notification_id"] not in inbox.read
            connection.acked += 1
            inbox.read.add(payload["notification_id"])
            self.emit("notification.read", user_id=inbox.user_id, login=inbox.login, **ids)
            for tab in self._of(inbox):
                await tab.say("notification.read.ack", ids)

    # -- admin

    async def clients(self, _: web.Request) -> web.Response:
        rows = [connection.row() for connection in self.connections.values()]
        return web.json_response({"clients": rows[:100], "total": len(rows), "next_cursor": None})

    async def pending(self, _: web.Request) -> web.Response:
        waiting = {inbox.key: inbox.unread() for inbox in self.inboxes.values() if inbox.unread()}
        users = {
            key: [{"id": stream_id, "payload": payload, "read": False} for stream_id, payload in entries]
            for key, entries in waiting.items()
        }
        total = sum(map(len, users.values()))
        body = {"pending_notifications": users, "total_pending": total, "users_with_pending": len(users)}
        return web.json_response(body | {"next_cursor": None})

    async def history(self, request: web.Request) -> web.Response:
        inbox = self.inboxes.get(f"{request.query['user_id']}-{request.query['login']}")
        if inbox is None:
            return problem(404, "no such user")
        rows = [
            {"id": item["stream_id"], "payload": entry[1], "read": item["read"], "status": item["status"]}
            for entry in reversed(inbox.entries)
            for item in [inbox.push(entry)]
        ]
        user = {"user_id": inbox.user_id, "login": inbox.login}
        return web.json_response({"user": user, "notifications": rows, "total": len(rows)})

    async def metrics(self, _: web.Request) -> web.Response:
        pending = sum(len(inbox.unread()) for inbox in self.inboxes.values())
        latency = (
            {"p50": 1.8, "p95": 4.2, "p99": 9.6} if self.counters["pushed"] else {"p50": None, "p95": None, "p99": None}
        )
        more = {"connections": len(self.connections), "pending": pending, "users": len(self.inboxes), "pods": 1}
        about = {"uptime_s": round(time.monotonic() - self.started), "pod_id": "stub-1", "version": "0.0.0"}
        return web.json_response(self.counters | more | about | {"latency_ms": latency})

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        queue: asyncio.Queue[Json | None] = asyncio.Queue(1000)
        self.listeners.add(queue)
        try:
            while (event := await queue.get()) is not None:
                await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        except ConnectionResetError:
            return response  # the listener left
        finally:
            self.listeners.discard(queue)
        return response

    async def close_all(self) -> None:
        for connection in list(self.connections.values()):
            await connection.socket.close(code=SERVICE_RESTART, message=b"restart")
        for queue in self.listeners:
            queue.put_nowait(None)


class StubServer:
    """Runs a `Stub` in a thread; `stop` and `start` make a restart on the same port, with what was stored."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self.stub, self.port = Stub(token), port
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(10)

    def end(self) -> None:
        """Stops for good."""
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def _start(self) -> None:
        self.runner = web.AppRunner(self.stub.app(), shutdown_timeout=0.2)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def _stop(self) -> None:
        if self.runner is not None:
            await self.stub.close_all()
            await self.runner.cleanup()
            self.runner = None


if __name__ == "__main__":
    server = StubServer(int(sys.argv[1]) if len(sys.argv) > 1 else 8099)
    server.start()
    print(server.base_url, flush=True)
    server.thread.join()
