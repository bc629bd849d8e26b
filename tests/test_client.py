"""`notifier.client` against pods, and against peers that misbehave."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from notifier.client import Client, ClientError, acks, backoff, listening, memory
from tests.e2e.server import free_port
from tests.providers.peers import HttpPeer
from tests.support import PATIENCE, Inbox, eventually, notify


def url(pod):
    return f"http://127.0.0.1:{pod.port}"


@pytest.fixture
def impatient(monkeypatch):
    """Reconnects come at once."""
    monkeypatch.setattr(listening, "backoff", lambda attempt, die: 0.0)


class Following:
    """A listener whose messages are taken one by one."""

    def __init__(self, listener):
        self.listener = listener
        self._messages = aiter(listener)

    async def next(self, kind):
        """The next message of this type, or state; what comes before is left out."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await anext(self._messages)
                if message.type == kind or (message.type == "client.state" and message.data["state"] == kind):
                    return message.data

    async def all_until(self, kind):
        found = []
        async with asyncio.timeout(PATIENCE):
            while not found or found[-1].type != kind:
                found.append(await anext(self._messages))
        return found

    async def close(self):
        await self._messages.aclose()


@asynccontextmanager
async def following(address, user=(1, "alice")):
    async with Client(address) as client:
        found = Following(client.listen(*user))
        try:
            yield found
        finally:
            await found.close()


@asynccontextmanager
async def peer(handler):
    """A server whose `/ws` is answered by `handler(socket, number of the connection)`."""
    count = 0

    async def endpoint(request):
        nonlocal count
        count += 1
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await handler(socket, count)
        return socket

    app = web.Application()
    app.router.add_get("/ws", endpoint)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


# -- sending


async def test_send(client):
    async with Client(url(client)) as sender:
        results = await sender.send([(1, "alice"), (2, "bob")], "hi", source="shop", ttl="1h")
    assert [r["target"] for r in results] == [{"id": 1, "login": "alice"}, {"id": 2, "login": "bob"}]
    (push,) = (await Inbox.open(client)).greeting
    assert (push["notification_id"], push["message"], push["source"]) == (results[0]["notification_id"], "hi", "shop")


async def test_send_once(client):
    async with Client(url(client)) as sender:
        first = await sender.send([(1, "alice")], "hi", idempotency_key="k")
        assert await sender.send([(1, "alice")], "hi", idempotency_key="k") == first
        with pytest.raises(ClientError) as raised:
            await sender.send([(1, "alice")], "other", idempotency_key="k")
    assert raised.value.status == 422


async def test_a_refusal_names_the_fields(client):
    async with Client(url(client)) as sender:
        with pytest.raises(ClientError) as raised:
            await sender.send([(0, "alice")], "")
    assert raised.value.status == 422
    assert "target[0].id: " in str(raised.value)
    assert "message: " in str(raised.value)
    assert {e["path"] for e in raised.value.problem["errors"]} == {"target[0].id", "message"}


@pytest.fixture
def between(loop):
    made = loop.run_until_complete(HttpPeer().start())
    yield made
    loop.run_until_complete(made.stop())


STRANGE = [b"", b"null", b"[]", b'"x"', b"[" * 9000, b"9" * 5000, b"\xff", b'{"results": "x"}', b'{"results": [1]}']
STRANGE += [b'{"id": null}', b'{"id": []}', b'{"results": {}}']


@pytest.mark.parametrize("body", STRANGE)
async def test_what_answers_there_is_no_notifier(between, body):
    async with Client(between.url) as sender:
        between.answers[:] = [(202, {}, body)]
        with pytest.raises(ClientError, match="is no notifier"):
            await sender.send([(1, "alice")], "hi")
        between.answers[:] = [(201, {}, body)]
        with pytest.raises(ClientError, match="is no notifier"):
            await sender.deliver("sms", "hi", recipient="+905551234567")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "{} (502)"),
        (b"Bad gateway", "Bad gateway (502)"),
        (b'{"detail": null, "title": "Oops"}', "Oops (502)"),
        (b'{"detail": [1], "errors": null}', '{"detail": [1], "errors": null} (502)'),
        (b'{"detail": "no", "errors": [7, {"path": "x"}, {"message": "y"}]}', "no (502): x: ; : y"),
        (b"[" * 9000, "[" * 200 + " (502)"),
    ],
)
async def test_a_refusal_of_something_in_between(between, body, said):
    between.answers[:] = [(502, {"Content-Type": "application/json; charset=nonsense"}, body)]
    async with Client(between.url) as sender:
        with pytest.raises(ClientError) as raised:
            await sender.send([(1, "alice")], "hi")
    assert (str(raised.value), raised.value.status) == (said, 502)


async def test_nobody_answers(loop):
    async with Client(f"http://127.0.0.1:{free_port()}/") as sender:
        with pytest.raises(ClientError, match="no server answers at http://127") as raised:
            await sender.send([(1, "alice")], "hi")
    assert raised.value.status == 0


def test_without_a_context():
    with pytest.raises(RuntimeError, match="async with Client"):
        Client("http://localhost").listen(1, "alice")


# -- following


async def test_follow(client):
    (first,) = await notify(client, "one")
    async with following(url(client)) as inbox:
        found = await inbox.all_until("sync.complete")
        assert [m.type for m in found] == ["client.state", "notification.push", "sync.complete"]
        assert found[1].data["notification_id"] == first
        (second,) = await notify(client, "two")
        push = await inbox.next("notification.push")
        assert push["notification_id"] == second
        await inbox.listener.ack(push["notification_id"], push["stream_id"])
        assert (await inbox.next("notification.read.ack"))["notification_id"] == second


async def test_reconnects_after_a_restart_and_repeats_nothing(start_pod, impatient):
    port = free_port()
    pod = await start_pod(server_addr=f"127.0.0.1:{port}")
    before = [(await notify(pod, str(i)))[0] for i in range(3)]
    async with following(url(pod)) as inbox:
        found = await inbox.all_until("sync.complete")
        assert [m.data["notification_id"] for m in found if m.type == "notification.push"] == before
        closing = asyncio.create_task(pod.server.close())
        waiting = await inbox.next("waiting")
        reason = "the server closed the connection (1012)"
        assert waiting == {"state": "waiting", "reason": reason, "code": 1012, "delay": 0.0}
        await closing
        pod = await start_pod("pod-b", server_addr=f"127.0.0.1:{port}")
        (after,) = await notify(pod, "after")
        push = await inbox.next("notification.push")
        assert push["notification_id"] == after


async def test_an_ack_while_away_is_sent_when_it_is_back(start_pod, impatient):
    port = free_port()
    pod = await start_pod(server_addr=f"127.0.0.1:{port}")
    await notify(pod)
    async with following(url(pod)) as inbox:
        push = await inbox.next("notification.push")
        closing = asyncio.create_task(pod.server.close())
        await inbox.next("waiting")
        await closing
        await inbox.listener.ack(push["notification_id"], push["stream_id"])
        pod = await start_pod("pod-b", server_addr=f"127.0.0.1:{port}")
        ack = await inbox.next("notification.read.ack")
        assert ack["notification_id"] == push["notification_id"]
    assert (await Inbox.open(pod)).synced == {"pending": 0, "total": 1}


async def test_many_acks_at_once_are_no_flood(client):
    async with following(url(client)) as inbox:
        await inbox.next("sync.complete")
        for _ in range(13):
            await asyncio.gather(*(notify(client) for _ in range(10)))
        pushes = [await inbox.next("notification.push") for _ in range(130)]
        acks = [asyncio.create_task(inbox.listener.ack(p["notification_id"], p["stream_id"])) for p in pushes]
        found = []
        while len(found) < 130:
            (message,) = await inbox.all_until("notification.read.ack")
            found.append(message.data["notification_id"])
        await asyncio.gather(*acks)
    assert set(found) == {p["notification_id"] for p in pushes}


# -- peers that misbehave


@pytest.mark.parametrize(
    ("code", "words"), [(1008, "refuses this client"), (4401, "token has expired"), (4403, "token is not")]
)
async def test_codes_that_say_do_not_come_back(loop, code, words):
    connections = []

    async def handler(socket, number):
        connections.append(number)
        await socket.close(code=code)

    async with peer(handler) as address, following(address) as inbox:
        with pytest.raises(ClientError, match=words):
            await inbox.all_until("never")
    assert connections == [1]


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
async def test_codes_that_say_come_back(loop, code, impatient):
    async def handler(socket, number):
        await socket.close(code=code)

    async with peer(handler) as address, following(address) as inbox:
        for _ in range(3):
            assert f"({code})" in (await inbox.next("waiting"))["reason"]


async def test_a_cut_connection(loop, impatient):
    async def handler(socket, number):
        if number < 3:
            socket._req.transport.abort()
        else:
            await socket.send_json({"type": "sync.complete", "data": {"pending": 0, "total": 0}})
            await socket.receive()

    async with peer(handler) as address, following(address) as inbox:
        await inbox.next("waiting")
        await inbox.next("waiting")
        await inbox.next("sync.complete")


async def test_a_server_that_vanished_without_a_word(loop, impatient, monkeypatch):
    monkeypatch.setattr(listening, "HEARTBEAT", 0.05)

    async def handler(socket, number):
        while not socket.closed:
            message = await socket.receive()
            assert message.type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING), message
            if message.type != aiohttp.WSMsgType.PING:
                return

    async with peer(handler) as address, following(address) as inbox:
        await inbox.next("connected")
        await inbox.next("waiting")
        await inbox.next("connected")


async def test_what_is_no_message_is_left_out(loop):
    async def handler(socket, number):
        for text in ("nope", "[]", "5", "null", '{"type":5,"data":{}}', '{"type":"notification.push","data":null}'):
            await socket.send_str(text)
        await socket.send_str('{"type":"notification.push","data":{"notification_id":5}}')
        await socket.send_str('{"type":"notification.read.ack","data":{}}')
        await socket.send_str('{"type":"error","data":[]}')
        await socket.send_str("[" * 100_000)
        await socket.send_bytes(b"\0")
        await socket.send_str('{"type":"news","data":[1]}')
        await socket.receive()

    async with peer(handler) as address, following(address) as inbox:
        found = await inbox.all_until("news")
    assert [m.type for m in found] == ["client.state", "news"]
    assert found[1].data == [1]


async def test_an_unconfirmed_ack_is_repeated_until_it_is_confirmed(loop, impatient):
    read = []

    async def handler(socket, number):
        data = {"notification_id": "n", "stream_id": "1-1", "status": "unread"}
        await socket.send_json({"type": "notification.push", "data": data})
        read.append(json.loads((await socket.receive()).data))
        if number == 1:
            await socket.close(code=1012)
        await socket.send_json({"type": "notification.read.ack", "data": {"notification_id": "n", "stream_id": "1-1"}})
        await socket.receive()

    async with peer(handler) as address, following(address) as inbox:
        await inbox.next("notification.push")
        await inbox.listener.ack("n", "1-1")
        await inbox.next("waiting")
        await inbox.next("notification.read.ack")
        assert len(inbox.listener._acks) == 0
    expected = {"type": "notification.read", "data": {"notification_id": "n", "stream_id": "1-1"}}
    assert read == [expected, expected]


async def test_a_change_of_status_is_news_and_a_repeat_is_not(loop):
    statuses = ["unread", "unread", "read", "read", "auto_cleared", "unread"]

    async def handler(socket, number):
        for status in statuses:
            data = {"notification_id": "n", "stream_id": "1-1", "status": status}
            await socket.send_json({"type": "notification.push", "data": data})
        await socket.send_json({"type": "end", "data": {}})
        await socket.receive()

    async with peer(handler) as address, following(address) as inbox:
        found = await inbox.all_until("end")
    assert [m.data["status"] for m in found[1:-1]] == ["unread", "read", "auto_cleared"]


async def test_what_it_remembers_is_bounded(loop, monkeypatch):
    monkeypatch.setattr(memory, "KNOWN_MAX", 10)
    monkeypatch.setattr(acks, "ACKS_MAX", 10)

    async def handler(socket, number):
        for i in range(30):
            data = {"notification_id": f"n{i}", "stream_id": f"{i}-1", "status": "unread"}
            await socket.send_json({"type": "notification.push", "data": data})
        await socket.send_json({"type": "end", "data": {}})
        await socket.receive()

    async with Client("http://127.0.0.1:1") as client:
        listener = client.listen(1, "alice")
        for i in range(30):
            await listener.ack(f"n{i}", f"{i}-1")
        assert list(listener._acks) == [f"n{i}" for i in range(20, 30)]
    async with peer(handler) as address, following(address) as inbox:
        await inbox.all_until("end")
        await eventually(lambda: list(inbox.listener._memory._known) == [f"n{i}" for i in range(20, 30)])


# -- backoff


def test_backoff():
    lows = [backoff(i, lambda: 0.0) for i in range(40)]
    highs = [backoff(i, lambda: 1.0) for i in range(40)]
    assert highs[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert max(highs) == 30.0
    assert lows == [0.1] * 40
    assert backoff(10**6) <= 30.0
    assert len({backoff(3) for _ in range(20)}) > 1
