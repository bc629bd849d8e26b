"""A server that says what a test tells it to, and writes down what it hears."""

from __future__ import annotations

import asyncio
import json

from aiohttp import WSMsgType, web

from tests.support import PATIENCE


def push(number, status="unread", **changes):
    """The data of a push, whose two ids come from one number."""
    ids = {"notification_id": f"00000000-0000-4000-8000-{number:012}", "stream_id": f"{1_700_000_000_000 + number}-0"}
    text = {"message": f"message {number}", "created_at": "2024-01-01T12:00:00.000Z", "source": "test"}
    return {**ids, **text, "status": status, "read": status == "read", **changes}


def id_of(number):
    """The notification id of `push(number)`."""
    return push(number)["notification_id"]


class Link:
    """One connection of a client."""

    def __init__(self, socket):
        self._socket = socket
        self._heard = asyncio.Queue()

    async def say(self, kind, data):
        """Sends a message."""
        await self._socket.send_json({"type": kind, "data": data})

    async def say_text(self, text):
        """Sends a frame as it is."""
        await self._socket.send_str(text)

    async def push(self, *numbers, status="unread"):
        """Pushes notifications."""
        for number in numbers:
            await self.say("notification.push", push(number, status))

    async def confirm(self, number):
        """Answers that a notification is read."""
        one = push(number)
        ids = {"notification_id": one["notification_id"], "stream_id": one["stream_id"]}
        await self.say("notification.read.ack", ids)

    async def refuse(self, code, in_reply_to):
        """Answers with an error."""
        await self.say("error", {"code": code, "message": "no", "in_reply_to": in_reply_to})

    async def greet(self, *pushes, total=None):
        """Sends an inbox and that it is complete."""
        for data in pushes:
            await self.say("notification.push", data)
        unread = sum(data["status"] == "unread" for data in pushes)
        held = sum(data["status"] != "auto_cleared" for data in pushes)
        total = held if total is None else total
        await self.say("sync.complete", {"pending": unread, "total": total})

    async def hear(self, kind):
        """The data of the next message of the client, which must be of that type."""
        message = await asyncio.wait_for(self._heard.get(), PATIENCE)
        assert message["type"] == kind, message
        return message["data"]

    @property
    def is_quiet(self):
        """True where the client has said nothing more."""
        return self._heard.empty()

    async def close(self, code):
        """Closes with a code."""
        await self._socket.close(code=code)

    def cut(self):
        """Aborts the connection without a close frame."""
        self._socket._req.transport.abort()

    async def listen(self):
        """Writes down what comes until the connection ends."""
        async for frame in self._socket:
            if frame.type is WSMsgType.TEXT:
                self._heard.put_nowait(json.loads(frame.data))


class Peer:
    """Listens on a loopback port; its clients' connections come out of `accept`, one by one."""

    def __init__(self):
        self.url = ""
        self._links = asyncio.Queue()
        self._runner = None

    async def open(self):
        """Listens."""
        app = web.Application()
        app.router.add_get("/ws", self._endpoint)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self):
        """Closes all connections and the server."""
        await self._runner.cleanup()

    async def accept(self):
        """The next connection."""
        return await asyncio.wait_for(self._links.get(), PATIENCE)

    @property
    def is_alone(self):
        """True where nobody has connected beyond those that were accepted."""
        return self._links.empty()

    async def _endpoint(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        link = Link(socket)
        self._links.put_nowait(link)
        await link.listen()
        return socket
