"""Helpers of several tests: an inbox as a client sees it, waiting for conditions, and the check of keys' lifetimes."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
import websockets

from notifier.errors import NotifierError
from notifier.store.keys import Keys

PATIENCE = 5.0
LONG = 30.0  # seconds for an answer that takes CPU: the reference of the API is rendered when it is first asked for
# A module's `pytestmark`: its tests run over the scripts, and over the plain commands in their place.
OVER_BOTH_PATHS = [
    pytest.mark.usefixtures("lean_path"),
    pytest.mark.parametrize("lean_path", ["on", pytest.param("off", marks=pytest.mark.slow)], indirect=True),
]
ALICE = {"id": 1, "login": "alice"}


class Inbox:
    """A user's connection as an integrator would hold it: messages by type, in the order of their coming."""

    def __init__(self, socket):
        self.socket = socket

    @classmethod
    async def open(cls, client, user_id=1, login="alice", **options):
        """Connects and reads on until the inbox is in sync; the messages before that are in `greeting`."""
        inbox = cls(await client.ws_connect(f"/ws?user_id={user_id}&login={login}", **options))
        inbox.greeting = []
        while (message := await inbox.receive())["type"] != "sync.complete":
            inbox.greeting.append(message["data"])
        inbox.synced = message["data"]
        return inbox

    async def receive(self, kind=None):
        """The next message; with `kind`, it must be of that type, and its data are returned."""
        message = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        if kind is None:
            return message
        assert message["type"] == kind, message
        return message["data"]

    async def say(self, kind, **data):
        """Sends a command."""
        await self.socket.send(json.dumps({"type": kind, "data": data}))

    async def read(self, push):
        """Marks a pushed notification read."""
        await self.say("notification.read", notification_id=push["notification_id"], stream_id=push["stream_id"])

    async def sync(self, **data):
        """The data of the answer to a sync.request."""
        await self.say("sync.request", **data)
        return await self.receive("sync.response")

    async def is_quiet(self):
        """Nothing more has been sent: the answer to a request of ours is the next thing that comes."""
        await self.say("sync.request", limit=1)
        return (await self.receive())["type"] == "sync.response"

    async def closed(self):
        """The code with which the server closes, once all before it has been read."""
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), PATIENCE)
        except websockets.exceptions.ConnectionClosed:
            return self.socket.close_code


async def post_at_once(client, content, names):
    """Posts a notification in one piece, as the express lane takes it; what that leaves is answered all the same."""
    lines = [b"POST /api/v1/notify HTTP/1.1", b"Host: localhost", b"Content-Length: %d" % len(content)]
    lines += [name.encode() + b": " + (v if isinstance(v, bytes) else v.encode()) for name, v in names.items()]
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + content)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode("latin-1").split("\r\n")
        headers = httpx.Headers([tuple(line.split(": ", 1)) for line in head[1:] if line])
        body = await asyncio.wait_for(reader.readexactly(int(headers["content-length"])), 5)
    finally:
        writer.close()
    return httpx.Response(int(head[0].split()[1]), headers=headers, content=body)


async def notify(client, message="hello", targets=(ALICE,), headers=None, **options):
    """Posts a notification that must be accepted; the ids in the order of the targets."""
    body = {"target": list(targets), "message": message, **options}
    names = {"content-type": "application/json"} | (headers or {})
    content = json.dumps(body).encode()
    if isinstance(client, httpx.AsyncClient):  # over TLS, or from another host
        response = await client.post("/api/v1/notify", content=content, headers=names)
    else:
        response = await post_at_once(client, content, names)
    assert response.status_code == 202, response.text
    return [result["notification_id"] for result in response.json()["results"]]


async def code_of(work):
    """The code of the error that an awaitable raises."""
    with pytest.raises(NotifierError) as raised:
        await work
    return raised.value.code


async def eventually(condition, what="the condition"):
    """Waits until `condition()` (which may be a coroutine) is true; its value."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true"
        await asyncio.sleep(0)


async def expire_payloads(redis):
    """Makes every payload's time to live pass at once."""
    keys = await redis.call("KEYS", "notification:*")
    if keys:
        await redis.call("DEL", *keys)


async def leaked_keys(redis):
    """Keys that would live for ever and are not listed as permanent."""
    keys = Keys()
    names = [name.decode() for name in await redis.call("KEYS", "*")]
    lives = await redis.call_many([("PTTL", name) for name in names])
    return [
        name
        for name, life in zip(names, lives, strict=True)
        if life == -1 and name not in keys.permanent and not name.startswith(keys.permanent_prefixes)
    ]
