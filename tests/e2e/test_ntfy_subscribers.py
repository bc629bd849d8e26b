"""Subscribers of ntfy, unmodified, against the real program: messages, clears and deletes arrive within a second, and a
server that is killed costs nobody a message."""

import asyncio
import json
import time

import httpx
import pytest

from tests.e2e.foreign import must_run, node_with, python_with
from tests.e2e.server import ServerProcess
from tests.e2e.test_ntfy_clients import ADMIN, AIONTFY, Guarded, started

pytestmark = pytest.mark.slow

PYTHON = ("python-ntfy==0.11.4",)
NODE = ("ntfy@1.13.3",)
SENT = 300  # messages around the kill

WITH_AIONTFY = """
import asyncio, sys, time
import aiohttp
from aiontfy import Message, Ntfy
from aiontfy.exceptions import NtfyForbiddenAccessError, NtfyUnauthorizedAuthenticationError

url, key, device, admin = sys.argv[1:]
WITHIN = 1.0  # seconds, once the machine is awake
events = asyncio.Queue()
late = []


async def next_of(kind):
    began = time.monotonic()
    event = await asyncio.wait_for(events.get(), 10)
    assert event.event == kind, event
    late.append(time.monotonic() - began)
    return event


async def main():
    sender, phone = Ntfy(url, token=key), Ntfy(url, username="alice", password=device)
    await phone.can_subscribe(["door", "1-alice"])
    for stranger, error in ((Ntfy(url), NtfyUnauthorizedAuthenticationError), (sender, NtfyForbiddenAccessError)):
        try:
            await stranger.can_subscribe(["door"])
        except error:
            continue
        raise AssertionError(stranger)
    following = asyncio.ensure_future(phone.subscribe(["door", "1-alice"], events.put_nowait))
    await next_of("open")

    lines = {}
    for text in ("ring", "ring again"):
        await sender.publish(Message(topic="door", message=text, title="Door", priority=4, sequence_id="bell"))
        event = await next_of("message")
        lines[event.sequence_id or event.id] = event.message
        assert (event.topic, event.title, event.priority) == ("door", "Door", 4), event
    assert lines == {"bell": "ring again"}, lines
    await sender.clear("door", "bell")
    assert (await next_of("message_clear")).sequence_id == "bell"
    await sender.delete("door", "bell")
    assert (await next_of("message_delete")).sequence_id == "bell"

    await sender.publish(Message(topic="other", message="not for this subscription"))
    sent = await sender.publish(Message(topic="door", message="read me elsewhere"))
    assert (await next_of("message")).id == sent.id
    headers = {"Authorization": f"Bearer {admin}"}
    async with aiohttp.ClientSession(url, headers=headers) as api:
        mark = {"as": "read", "filter": {"status": "unread"}}
        answer = await api.post("/api/v1/inbox/mark?user_id=1&login=alice", json=mark)
        assert answer.status == 200, await answer.text()
        cleared = await next_of("message_clear")
        assert cleared.sequence_id == sent.id, cleared
        body = {"target": [{"id": 1, "login": "alice"}], "message": "by the API"}
        answer = await api.post("/api/v1/notify", json=body)
        message = await next_of("message")
        assert (message.message, message.topic) == ("by the API", "1-alice"), message
        nid = (await answer.json())["results"][0]["notification_id"]
        await api.delete(f"/api/v1/notify/{nid}?user_id=1&login=alice")
        assert (await next_of("message_delete")).sequence_id == message.id
    assert sorted(late)[len(late) // 2] < WITHIN and max(late) < 5, late
    following.cancel()


asyncio.run(main())
"""

WITH_PYTHON_NTFY = """
import os, sys

url, device = sys.argv[1:]
os.environ |= {"NTFY_SERVER": url, "NTFY_USER": "any", "NTFY_PASSWORD": device}
from python_ntfy import NtfyClient

client = NtfyClient(topic="door", server=url)
found = client.get_cached_messages()
assert [one["message"] for one in found] == ["two", "one"] or found[0]["time"] == found[1]["time"], found
assert client.get_cached_messages(since="none") == []
newest = max(found, key=lambda one: one["message"])
assert [one["message"] for one in client.get_cached_messages(since=newest["id"])] == []
later = [one["message"] for one in client.get_cached_messages(since="all", scheduled=True)]
assert sorted(later) == ["later", "one", "two"], later
"""

FROM_NODE = """
import { NtfyClient } from "ntfy";

const [url, key] = process.argv.slice(2);
const client = new NtfyClient({ server: url, authorization: { username: "any", password: key } });
await client.publish({ topic: "door", message: "from npm ntfy", title: "T", tags: ["a"], priority: 5 });
"""


@pytest.fixture
def guarded(loop, tmp_path):
    """The server keeps as many notifications as the tests send, and answers a request when it is on the disk."""
    settings = {"STREAM_MAXLEN": "1000", "REDIS_FSYNC": "always", "PUBLIC_URL": "https://n.example"}
    server = started(loop, ServerProcess(tmp_path / "data", AUTH_MODE="token", ADMIN_TOKEN=ADMIN, **settings))
    found = loop.run_until_complete(Guarded(server).prepare())
    yield found
    loop.run_until_complete(found.http.aclose())
    loop.run_until_complete(server.stop())


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def publish(http, key, message, **headers):
    response = await http.post("/door", content=message, headers=bearer(key) | headers)
    assert response.status_code == 200, response.text
    return response.json()


class Phone:
    """A subscriber that comes again after each break, since the last message that it had."""

    def __init__(self, guarded):
        self._address = f"{guarded.server.url}/door/json"
        self._headers = bearer(guarded.device)
        self.last = "none"
        self.messages = []
        self.opened = asyncio.Event()
        self.breaks = 0

    async def follow(self):
        async with httpx.AsyncClient(timeout=30) as http:
            while True:
                try:
                    await self._listen(http)
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)
                self.breaks += 1

    async def _listen(self, http):
        query = {"since": self.last}
        async with http.stream("GET", self._address, params=query, headers=self._headers) as response:
            if response.status_code != 200:
                assert response.status_code == 503
                await asyncio.sleep(0.05)
                return
            async for line in response.aiter_lines():
                self._take(json.loads(line))

    def _take(self, event):
        if event["event"] == "open":
            self.opened.set()
        elif event["event"] == "message":
            self.messages.append(event["message"])
            self.last = event["id"]

    async def has(self, messages, within=60.0):
        """Waits until all these messages have come."""
        deadline = time.monotonic() + within
        while not set(messages) <= set(self.messages):
            assert time.monotonic() < deadline, sorted(set(messages) - set(self.messages))
            await asyncio.sleep(0.05)


async def test_aiontfy(guarded, cache):
    programs = await python_with(cache / "aiontfy", *AIONTFY)
    arguments = (guarded.server.url, guarded.ntfy, guarded.device, ADMIN)
    await must_run(str(programs / "python"), "-c", WITH_AIONTFY, *arguments)


async def test_python_ntfy(guarded, python):
    for message, headers in (("one", {}), ("two", {}), ("later", {"In": "1h"})):
        await publish(guarded.http, guarded.ntfy, message, **headers)
    await must_run(str(python / "python"), "-c", WITH_PYTHON_NTFY, guarded.server.url, guarded.device)


async def test_what_npms_ntfy_sends_is_streamed(guarded, tmp_path):
    node = await node_with(tmp_path / "node", *NODE)
    (tmp_path / "node" / "use.mjs").write_text(FROM_NODE)
    phone = Phone(guarded)
    following = asyncio.ensure_future(phone.follow())
    await asyncio.wait_for(phone.opened.wait(), 10)
    await must_run(node, "use.mjs", guarded.server.url, guarded.ntfy, cwd=tmp_path / "node")
    await phone.has(["from npm ntfy"])
    following.cancel()


async def test_a_killed_server_costs_its_subscribers_nothing(guarded):
    """Messages go on while the server is killed and started again: each that was answered 200 is told, and, once the
    phone has opened its stream since the last one that it had, none that it had is told again."""
    phone = Phone(guarded)
    following = asyncio.ensure_future(phone.follow())
    await asyncio.wait_for(phone.opened.wait(), 10)
    answered = []

    async def send(number):
        name = {"Idempotency-Key": f"n{number}"}
        while True:
            try:
                response = await guarded.http.post("/door", content=f"m{number}", headers=bearer(guarded.ntfy) | name)
            except httpx.HTTPError:
                response = None
            if response is not None and response.status_code == 200:
                answered.append(f"m{number}")
                return
            await asyncio.sleep(0.05)

    async def send_all():
        for number in range(SENT):
            await send(number)

    sending = asyncio.ensure_future(send_all())
    await phone.has([f"m{SENT // 3}"])
    guarded.server.kill()
    await guarded.server.wait()
    await guarded.server.start()
    await asyncio.wait_for(sending, 120)
    await phone.has(answered)
    following.cancel()
    assert len(answered) == SENT and phone.breaks >= 1
    assert len(phone.messages) == len(set(phone.messages)) == SENT
