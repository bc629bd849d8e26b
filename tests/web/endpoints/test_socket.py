"""`GET /ws` (contract §4)."""

import asyncio
import json

import pytest
import websockets

from notifier.domain.access import ANYBODY
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from tests.support import ALICE, OVER_BOTH_PATHS, Inbox, eventually, expire_payloads, notify

pytestmark = OVER_BOTH_PATHS


async def refused(client, path="/ws?user_id=1&login=alice", **options):
    with pytest.raises(websockets.exceptions.InvalidStatus) as raised:
        await client.ws_connect(path, **options)
    return raised.value.response.status_code


async def test_online_user_is_told_at_once(client):
    inbox = await Inbox.open(client)
    assert inbox.synced == {"pending": 0, "total": 0} and inbox.greeting == []
    (nid,) = await notify(
        client, "hi", source="shop", title="T", url="/x", priority="high", data={"a": 1}, category="c"
    )
    push = await inbox.receive("notification.push")
    assert push.pop("stream_id") and push.pop("created_at").endswith("Z")
    options = {"source": "shop", "title": "T", "url": "/x", "priority": "high", "data": {"a": 1}, "category": "c"}
    assert push == {"notification_id": nid, "message": "hi", "status": "unread", "read": False, **options}


async def test_pending_first_then_the_read_ones_each_oldest_first(client):
    ids = [(await notify(client, str(i)))[0] for i in range(6)]
    first = await Inbox.open(client)
    assert [p["notification_id"] for p in first.greeting] == ids
    for push in (first.greeting[1], first.greeting[4]):
        await first.read(push)
        await first.receive("notification.read.ack")
    second = await Inbox.open(client)
    assert [p["message"] for p in second.greeting] == ["0", "2", "3", "5", "1", "4"]
    assert [p["status"] for p in second.greeting] == ["unread"] * 4 + ["read"] * 2
    assert [p["read"] for p in second.greeting] == [False] * 4 + [True] * 2
    assert second.synced == {"pending": 4, "total": 6}


async def test_no_more_than_the_last_100_on_connect(client):
    for i in range(105):
        await notify(client, str(i))
    inbox = await Inbox.open(client)
    assert [p["message"] for p in inbox.greeting] == [str(i) for i in range(5, 105)]


async def test_read_reaches_every_tab_and_counts_once(client):
    tabs = [await Inbox.open(client) for _ in range(3)]
    await notify(client)
    pushes = [await tab.receive("notification.push") for tab in tabs]
    await tabs[0].read(pushes[0])
    await tabs[1].read(pushes[0])
    for tab in tabs:
        for _ in range(2):
            assert await tab.receive("notification.read.ack") == {
                "notification_id": pushes[0]["notification_id"],
                "stream_id": pushes[0]["stream_id"],
            }
    assert client.pod.metrics.acked == 1


async def test_read_of_what_is_not_in_this_inbox(client, redis):
    alice, bob = await Inbox.open(client), await Inbox.open(client, 2, "bob")
    await notify(client, targets=[ALICE, {"id": 2, "login": "bob"}])
    hers, his = await alice.receive("notification.push"), await bob.receive("notification.push")
    wrong = [
        his,
        {**hers, "notification_id": his["notification_id"]},
        {**hers, "stream_id": "1-1"},
        {"notification_id": "nonsense", "stream_id": hers["stream_id"]},
        {"notification_id": hers["notification_id"], "stream_id": "+"},
    ]
    for push in wrong:
        await alice.read(push)
        error = await alice.receive("error")
        assert error["code"] == "not_found" and error["in_reply_to"] == "notification.read"
    assert not await redis.call("EXISTS", "notification_state:1-alice")


async def test_read_all(client):
    inbox, tab = await Inbox.open(client), await Inbox.open(client)
    for i in range(5):
        await notify(client, str(i))
    pushes = [await inbox.receive("notification.push") for _ in range(5)]
    for _ in range(5):
        await tab.receive("notification.push")
    await inbox.read(pushes[1])
    await inbox.receive("notification.read.ack")
    await tab.receive("notification.read.ack")
    await inbox.say("notification.read_all", up_to=pushes[3]["stream_id"])
    for someone in (inbox, tab):
        acks = [(await someone.receive("notification.read.ack"))["notification_id"] for _ in range(3)]
        assert acks == [pushes[i]["notification_id"] for i in (0, 2, 3)]
        assert await someone.is_quiet()


async def test_sync_pages(client):
    for i in range(10):
        await notify(client, str(i))
    inbox = await Inbox.open(client)
    ids = [push["stream_id"] for push in inbox.greeting]

    async def page(**data):
        return [int(push["message"]) for push in await inbox.sync(**data)]

    assert await page() == list(range(10))
    assert await page(limit=3) == [7, 8, 9]
    assert await page(limit=3, before=ids[7]) == [4, 5, 6]
    assert await page(limit=3, after=ids[2]) == [3, 4, 5]
    assert await page(after=ids[2], before=ids[6]) == [3, 4, 5]
    assert await page(before=ids[0]) == []
    assert (await inbox.sync(limit=1))[0].keys() == inbox.greeting[9].keys()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nope", "bad_message"),
        ("[]", "bad_message"),
        ('{"type":"x"}', "unknown_type"),
        ('{"type":"sync.request","data":{"limit":0}}', "invalid"),
        ('{"type":"retention.set","data":{"days":16}}', "invalid"),
        ('{"type":"notification.read"}', "invalid"),
    ],
)
async def test_a_mistake_keeps_the_connection(client, text, code):
    inbox = await Inbox.open(client)
    await inbox.socket.send(text)
    assert (await inbox.receive("error"))["code"] == code
    assert await inbox.is_quiet()


async def test_twenty_bad_messages_in_a_row(client):
    inbox = await Inbox.open(client)
    for _ in range(19):
        await inbox.socket.send("nope")
    for _ in range(19):
        assert (await inbox.receive("error"))["code"] == "bad_message"
    await inbox.sync()
    for _ in range(20):
        await inbox.socket.send("nope")
    assert await inbox.closed() == 1008


async def test_more_than_the_burst_is_refused(client):
    inbox = await Inbox.open(client)
    for _ in range(130):
        await inbox.say("sync.request", limit=1)
    kinds = [await inbox.receive() for _ in range(130)]
    refused = [m["data"] for m in kinds if m["type"] == "error"]
    assert refused and {error["code"] for error in refused} == {"rate_limited"}


async def test_too_fast_for_ten_seconds(client):
    now = [0.0]
    client.pod.sockets._clock = lambda: now[0]
    inbox = await Inbox.open(client)
    for step in range(12):
        now[0] = step * 0.95
        for _ in range(120):
            if inbox.socket.state.name == "OPEN":
                await inbox.socket.send("{}" if step == 0 else '{"type":"sync.request","data":{"limit":1}}')
        await asyncio.sleep(0)
    assert await inbox.closed() == 1008


async def test_retention(client, redis):
    inbox = await Inbox.open(client)
    await inbox.say("retention.set", days=15)
    assert await inbox.receive("retention.ack") == {"days": 15}
    assert await redis.call("GET", "notif:retention:1-alice") == b"15"


async def test_500_rapid_messages_in_order_none_twice(client):
    inbox = await Inbox.open(client)
    await asyncio.gather(*(notify(client, str(i)) for i in range(50)))
    batches = [asyncio.gather(*(notify(client, "x") for _ in range(50))) for _ in range(9)]
    await asyncio.gather(*batches)
    pushes = [await inbox.receive("notification.push") for _ in range(500)]
    positions = [tuple(map(int, push["stream_id"].split("-"))) for push in pushes]
    assert positions == sorted(set(positions))
    assert len({push["notification_id"] for push in pushes}) == 500
    assert await inbox.is_quiet()


async def test_what_comes_during_the_greeting_comes_once(client):
    for i in range(20):
        await notify(client, str(i))
    socket = client.ws_connect("/ws?user_id=1&login=alice")
    connection, *_ = await asyncio.gather(socket, *(notify(client, "live") for _ in range(30)))
    inbox = Inbox(connection)
    seen = []
    while len(seen) < 50:
        message = await inbox.receive()
        if message["type"] == "notification.push":
            seen.append(message["data"]["notification_id"])
    assert len(set(seen)) == 50 and await inbox.is_quiet()


async def test_expiry_is_told_at_once_to_who_is_connected(client, redis):
    tabs = [await Inbox.open(client), await Inbox.open(client)]
    (nid,) = await notify(client)
    for tab in tabs:
        await tab.receive("notification.push")
    await expire_payloads(redis)
    client.pod.janitor._now = lambda: 4e9
    assert await client.pod.janitor.sweep() == 1
    for tab in tabs:
        push = await tab.receive("notification.push")
        assert push["notification_id"] == nid and push["stream_id"]
        assert (push["status"], push["read"], push["message"]) == ("auto_cleared", False, "")
    assert client.pod.metrics.auto_cleared == 1
    assert await redis.call("XLEN", "stream:user:1-alice") == 0


async def test_expiry_is_told_on_the_next_connect_to_who_is_away(client, redis):
    (gone,) = await notify(client, "gone")
    inbox = await Inbox.open(client)
    (read,) = await notify(client, "read")
    await inbox.read(await inbox.receive("notification.push"))
    await inbox.receive("notification.read.ack")
    await inbox.socket.close()
    await eventually(lambda: len(client.pod.hub) == 0)
    await expire_payloads(redis)
    (kept,) = await notify(client, "kept")
    client.pod.janitor._now = lambda: 4e9
    await client.pod.janitor.sweep()
    again = await Inbox.open(client)
    assert [(p["notification_id"], p["status"]) for p in again.greeting] == [(gone, "auto_cleared"), (kept, "unread")]
    await again.socket.close()
    assert [p["notification_id"] for p in (await Inbox.open(client)).greeting] == [kept]
    assert read not in (gone, kept)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "user_id=1",
        "login=alice",
        "user_id=0&login=a",
        "user_id=x&login=a",
        "user_id=1&login=a%20b",
        "user_id=9007199254740992&login=a",
    ],
)
async def test_bad_parameters(client, query):
    assert await refused(client, f"/ws?{query}") == 400


async def test_plain_http_is_no_upgrade(client):
    response = await client.get("/ws?user_id=1&login=alice")
    assert response.status_code == 400 and response.json()["status"] == 400


async def test_login_of_another_script(client):
    inbox = await Inbox.open(client, 3, "b%C3%B6b")
    await notify(client, targets=[{"id": 3, "login": "bo\u0308b"}])
    assert (await inbox.receive("notification.push"))["message"] == "hello"


async def test_origin(start_pod):
    client = await start_pod(allowed_origins="https://app.example")
    path = "/ws?user_id=1&login=alice"
    assert await refused(client, path, origin="https://evil.example") == 403
    assert await refused(client, path, origin="null") == 403
    await client.ws_connect(path, origin="https://app.example")
    await client.ws_connect(path, origin=f"http://127.0.0.1:{client.port}")


async def test_connections_per_user_are_bounded(start_pod):
    client = await start_pod(max_connections_per_user="2")
    for _ in range(2):
        await Inbox.open(client)
    assert await refused(client) == 429
    await Inbox.open(client, 2, "bob")


async def test_no_upgrade_while_the_store_is_away(client):
    await client.pod.redis.stop()
    assert await refused(client) == 503


async def test_a_frame_over_the_limit(client):
    inbox = await Inbox.open(client)
    await inbox.socket.send("x" * (64 * 1024 + 1))
    assert await inbox.closed() == 1009


async def test_text_only(client):
    inbox = await Inbox.open(client)
    await inbox.socket.send(b"\0")
    assert await inbox.closed() == 1003


async def test_invalid_utf8(client):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(
        b"GET /ws?user_id=1&login=alice HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x81\x82\0\0\0\0\xc3\x28"
    )
    received = await asyncio.wait_for(reader.read(), 5)
    assert received.startswith(b"HTTP/1.1 101") and b"\x88" in received
    assert (1007).to_bytes(2, "big") in received.split(b"\r\n\r\n", 1)[1]
    writer.close()


async def test_shutdown_says_come_again(start_pod, redis):
    client = await start_pod()
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.receive("notification.push")
    await client.server.close()
    assert await inbox.closed() == 1012
    assert await redis.call("KEYS", "notif:lock:*") == [] and await redis.call("KEYS", "notif:pod:*") == []


async def test_nothing_is_left_of_a_user_who_leaves(client, redis):
    inbox = await Inbox.open(client, 9, "guest")
    assert await redis.call("GET", "notif:lock:consumer:9-guest") == b"pod-a"
    assert 50_000 < await redis.call("PTTL", "notif:lock:consumer:9-guest") <= 60_000
    await inbox.socket.close()

    async def gone():
        return await redis.call("KEYS", "*9-guest*") == [] and await redis.call("ZCARD", "notif:users") == 0

    await eventually(gone)


async def test_subprotocol(client):
    connection = await client.ws_connect("/ws?user_id=1&login=alice", subprotocols=["x", "notifier.v1"])
    assert connection.subprotocol == "notifier.v1"
    assert json.loads(await connection.recv())["type"] == "sync.complete"


async def test_a_large_inbox_reaches_a_client_with_a_small_buffer(start_pod):
    client = await start_pod(send_buffer="64KiB")
    for i in range(40):
        await notify(client, f"{i}" + "😀" * 8000)
    inbox = await Inbox.open(client)
    assert len(inbox.greeting) == 40


async def test_too_many_connections_from_one_address(start_pod):
    client = await start_pod(max_connections_per_address="2")
    sockets, hub, user = client.pod.sockets, client.pod.hub, User(7, "eve")
    for address, limited in (
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
    ):
        for _ in range(2):
            connection = sockets.admit(user, address, ANYBODY)
            connection.remote = address
            hub.add(connection)
        if limited:
            with pytest.raises(NotifierError, match="this address") as refused:
                sockets.admit(user, address, ANYBODY)
            assert refused.value.code is ErrorCode.RATE_LIMITED and refused.value.retry_after
        else:
            assert sockets.admit(user, address, ANYBODY)
