"""Rate limits at `/notify` (NOTIFY_RATE_LIMIT: per target user, over all pods, all or nothing), and of connections."""

import asyncio
import contextlib
import re

import pytest

from notifier.domain.access import ANYBODY
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from tests.support import ALICE, Inbox, eventually, notify

BOB, EVE = {"id": 2, "login": "bob"}, {"id": 3, "login": "eve"}


@pytest.fixture
def limited(loop, start_pod):
    """A pod that lets three notifications an hour through to each user."""
    return loop.run_until_complete(start_pod(notify_rate_limit="3/1h"))


async def post(client, *targets, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/api/v1/notify", json={"target": list(targets), "message": "hi"}, headers=names)


def quota(response):
    """Name, places left and seconds, as the headers tell them."""
    return re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', response.headers["ratelimit"]).groups()


async def test_over_it_nothing_is_stored_and_the_users_are_named(limited, redis):
    await notify(limited, targets=[ALICE, BOB])
    await notify(limited, targets=[ALICE])
    await notify(limited, targets=[ALICE])
    response = await post(limited, EVE, BOB, ALICE)
    assert response.status_code == 429 and response.headers["content-type"] == "application/problem+json"
    (error,) = response.json()["errors"]
    assert error["path"] == "target[2]" and error["message"].startswith("1-alice ")
    assert await redis.call("XLEN", "stream:user:1-alice") == 3
    assert await redis.call("XLEN", "stream:user:2-bob") == 1
    assert await redis.call("EXISTS", "stream:user:3-eve") == 0
    assert (await post(limited, EVE, BOB)).status_code == 202


async def test_a_refusal_takes_nobodys_place(limited):
    for _ in range(3):
        await notify(limited, targets=[ALICE])
    for _ in range(5):
        assert (await post(limited, ALICE, BOB)).status_code == 429
    for left in ("2", "1", "0"):
        assert quota(await post(limited, BOB))[1] == left


async def test_what_the_headers_say(limited):
    first = await post(limited, ALICE)
    assert first.headers["ratelimit-policy"] == '"notify";q=3;w=3600'
    assert quota(first) == ("notify", "2", "1200")
    assert quota(await post(limited, ALICE, BOB)) == ("notify", "1", "2400")
    await post(limited, ALICE)
    refused = await post(limited, ALICE)
    assert refused.status_code == 429 and quota(refused)[1] == "0"
    assert 1190 <= int(refused.headers["retry-after"]) <= 1200
    assert refused.headers["ratelimit-policy"] == '"notify";q=3;w=3600'


async def test_both_lanes_say_the_same(limited):
    """With a header that the express lane does not know, Sanic takes the request."""
    for headers in ({}, {"Origin": f"http://127.0.0.1:{limited.port}"}, {}, {"X_Other": "1"}):
        response = await post(limited, ALICE, **headers)
    assert response.status_code == 429 and quota(response)[1] == "0" and "retry-after" in response.headers


async def test_the_path_is_that_of_the_request(limited):
    decomposed, composed = {"id": 7, "login": "e\u0301"}, {"id": 7, "login": "é"}
    for _ in range(3):
        await notify(limited, targets=[decomposed])
    response = await post(limited, BOB, BOB, decomposed, composed)
    assert [error["path"] for error in response.json()["errors"]] == ["target[2]"]


async def test_a_user_twice_in_one_request_is_one(limited):
    await post(limited, ALICE, ALICE, ALICE)
    assert quota(await post(limited, ALICE))[1] == "1"


async def test_places_come_back(start_pod):
    client = await start_pod(notify_rate_limit="2/200ms")
    codes = []
    async with asyncio.timeout(5):
        while codes.count(202) < 6:
            codes.append((await post(client, ALICE)).status_code)
    assert set(codes) == {202, 429} and codes[:2] == [202, 202]


async def test_counted_over_all_pods(start_pod):
    first, second = await start_pod(notify_rate_limit="3/1h"), await start_pod("pod-b", notify_rate_limit="3/1h")
    answers = await asyncio.gather(*(post(client, ALICE) for client in (first, second) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 17


async def test_a_repeat_is_no_new_notification(limited):
    first = await post(limited, ALICE, Idempotency_Key="k")
    for _ in range(5):
        again = await post(limited, ALICE, Idempotency_Key="k")
        assert again.status_code == 202 and again.content == first.content
    assert quota(await post(limited, ALICE))[1] == "1"
    await post(limited, ALICE)
    refused = await post(limited, ALICE, Idempotency_Key="l")
    assert refused.status_code == 429
    assert (await post(limited, ALICE, Idempotency_Key="k")).content == first.content


async def test_a_thousand_users(limited):
    everybody = [{"id": number, "login": "u"} for number in range(1, 1001)]
    for _ in range(3):
        await notify(limited, targets=everybody)
    response = await post(limited, *everybody)
    assert response.status_code == 429 and len(response.json()["errors"]) == 1000


async def test_broadcasts_are_not_limited(limited):
    inbox = await Inbox.open(limited)
    for _ in range(5):
        assert (await limited.post("/api/v1/admin/broadcast", json={"message": "all"})).status_code == 202
        await inbox.receive("notification.push")


async def test_it_is_off_by_default(client, redis):
    for _ in range(5):
        response = await post(client, ALICE)
        assert response.status_code == 202 and "ratelimit" not in response.headers
    assert await redis.call("KEYS", "notif:limit:*") == []


async def test_it_can_be_set_while_running(client, settings, caplog):
    caplog.set_level("INFO")  # the log's level is set too; this gives other tests theirs back
    client.pod.reconfigure(settings(notify_rate_limit="1/1h"))
    assert [(await post(client, ALICE)).status_code for _ in range(2)] == [202, 429]
    client.pod.reconfigure(settings())
    assert (await post(client, ALICE)).status_code == 202


async def test_503_while_the_store_is_away(limited):
    await limited.pod.redis.stop()
    assert (await asyncio.wait_for(post(limited, ALICE), 2)).status_code == 503


# -- connections


async def open_sockets(client, number):
    """Connections that nothing was said on yet."""
    return await asyncio.gather(*(asyncio.open_connection("127.0.0.1", client.port) for _ in range(number)))


async def upgrade_at_once(client, sockets, path="/ws?user_id=1&login=alice", version=13):
    """The statuses of upgrades that all stand in the server's sockets before it looks, as after a standstill."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    head += f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    for _, writer in sockets:
        writer.write(head.encode())
    lines = await asyncio.gather(*(asyncio.wait_for(reader.readline(), 5) for reader, _ in sockets))
    return [int(line.split()[1]) for line in lines]


async def go(client, sockets):
    """All go, in the middle of whatever is done for them."""
    for _, writer in sockets:
        writer.transport.abort()
    await eventually(lambda: len(client.pod.hub) == 0, "that nobody is connected")


async def test_200_connections_of_one_user_at_once(client):
    for _ in range(2):
        sockets = await open_sockets(client, 200)
        statuses = await upgrade_at_once(client, sockets)
        assert (statuses.count(101), statuses.count(429)) == (32, 168) and client.pod.hub.count("1-alice") == 32
        await go(client, sockets)


async def test_200_connections_of_one_address_at_once(start_pod, monkeypatch):
    monkeypatch.setattr("notifier.web.endpoints.socket._is_loopback", lambda address: False)
    client = await start_pod(max_connections_per_address="20", max_connections_per_user="200")
    sockets = await open_sockets(client, 200)
    statuses = await upgrade_at_once(client, sockets)
    assert (statuses.count(101), client.pod.hub.at_address("127.0.0.1")) == (20, 20)
    await go(client, sockets)
    assert client.pod.hub.at_address("127.0.0.1") == 0


async def test_no_place_is_lost(client, monkeypatch):
    """By an upgrade that fails, by a client that goes while its inbox is read, by a store that fails then."""
    sockets = await open_sockets(client, 40)
    assert set(await upgrade_at_once(client, sockets, version=12)) == {426}
    await go(client, sockets)

    async def fail(*_, **__):
        raise NotifierError(ErrorCode.UNAVAILABLE, "the store is not available")

    with monkeypatch.context() as away:
        away.setattr(client.pod.inbox, "attach", fail)
        sockets = await open_sockets(client, 40)
        assert (await upgrade_at_once(client, sockets)).count(101) == 32
        await go(client, sockets)
    sockets = await open_sockets(client, 32)
    assert await upgrade_at_once(client, sockets) == [101] * 32
    await go(client, sockets)


async def test_who_goes_before_the_inbox_is_read_leaves_no_lock(client, redis):
    sockets = await open_sockets(client, 32)
    await upgrade_at_once(client, sockets)
    await go(client, sockets)
    inbox = await Inbox.open(client, 2, "bob")  # whose inbox is read after theirs
    await inbox.socket.close()
    await eventually(lambda: len(client.pod.hub) == 0)
    await eventually(lambda: _unlocked(redis), "that no lock is left")


async def _unlocked(redis):
    return not await redis.call("KEYS", "notif:lock:consumer:*")


async def test_200_followers_at_once(client):
    sockets = await open_sockets(client, 200)
    for _, writer in sockets:
        writer.write(b"GET /api/v1/admin/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    lines = await asyncio.gather(*(asyncio.wait_for(reader.readline(), 5) for reader, _ in sockets))
    statuses = [int(line.split()[1]) for line in lines]
    assert (statuses.count(200), statuses.count(429), client.pod.events.listeners) == (100, 100, 100)
    for _, writer in sockets:
        writer.transport.abort()
    await eventually(lambda: client.pod.events.listeners == 0)


async def test_a_place_is_taken_in_the_turn_of_its_admission(client, monkeypatch):
    """Before anything else is done for it: after a standstill hundreds of upgrades are let in within one turn."""

    async def attach(connection):
        raise AssertionError("the loop has not come to it yet")

    monkeypatch.setattr(client.pod.router, "attach", attach)
    monkeypatch.setattr(client.pod.sockets, "_run", lambda connection, work, command: work.close())
    sockets, admitted = client.pod.sockets, 0
    for _ in range(200):
        with contextlib.suppress(NotifierError):
            sockets.begin(sockets.admit(User(1, "alice"), "127.0.0.1", ANYBODY))
            admitted += 1
    assert admitted == client.pod.hub.count("1-alice") == 32
