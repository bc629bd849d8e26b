"""Messages in both clients: all of them are told, once, in the stream's order."""

import asyncio
import time

import jwt
import pytest

from tests.behaviours.peer import id_of, push
from tests.support import ALICE, Inbox, expire_payloads, notify

FAST = 20.0
HOURS = 5 * 3600.0
SECRET = "a-secret-of-32-characters-or-more"


async def test_missed_messages(client, network, follow):
    """Messages sent while it was away come when it is back: once, in order, before what is sent then."""
    road = await network(client)
    told = [(await notify(client, "before"))[0]]
    alice = follow(f"http://127.0.0.1:{road.port}", speed=FAST)
    await alice.until("online")
    await road.cut()
    await alice.until("waiting")
    told += [(await notify(client, f"missed {i}"))[0] for i in range(5)]
    await road.open()
    await alice.until("online")
    told += await notify(client, "after")
    await alice.until("push", id=told[-1])
    assert alice.told("push") == told


@pytest.mark.parametrize("before", [0, 1])
async def test_more_missed_than_a_connect_brings(client, network, follow, before):
    """Messages before the newest 100 are asked for, page by page, and told in order with them; also where the inbox was
    empty before."""
    road = await network(client)
    told = [(await notify(client, "before"))[0] for _ in range(before)]
    alice = follow(f"http://127.0.0.1:{road.port}", speed=FAST)
    await alice.until("online")
    await road.cut()
    await alice.until("waiting")
    told += await notify_many(client, 210)
    await road.open()
    await alice.until("online")
    assert alice.told("push") == told


async def notify_many(client, count):
    """Sends so many at once; their ids in the order of the stream."""
    for _ in range(count // 10):
        await asyncio.gather(*(notify(client) for _ in range(10)))
    inbox = await Inbox.open(client)
    found, before = [], {}
    while len(found) < count and (page := await inbox.sync(limit=100, **before)):
        found = [push["notification_id"] for push in page] + found
        before = {"before": page[0]["stream_id"]}
    return found[-count:]


async def test_a_gap_that_cannot_be_filled_now(peer, follow):
    """A refused request for what is missing leads to a new connection, not to a gap."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1, "read"))
    await client.until("online")
    link.cut()
    link = await peer.accept()
    await link.greet(push(4), total=4)
    assert await link.hear("sync.request") == {"limit": 100, "after": push(1)["stream_id"]}
    await link.refuse("unavailable", "sync.request")
    link = await peer.accept()
    await link.greet(push(4), total=4)
    assert await link.hear("sync.request") == {"limit": 100, "after": push(1)["stream_id"]}
    await link.push(5)
    await link.say("sync.response", [push(2), push(3, "read"), push(4)])
    await client.until("online")
    assert client.told("push") == [id_of(number) for number in (1, 2, 3, 4, 5)]


async def test_a_list_that_repeats_what_was_shown(peer, follow):
    """A new list of what is pending takes the place of the old one: only what is new in it is told."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1), push(2), push(3, "read"))
    await client.until("online")
    await link.push(4, 4)
    await client.until("push", id=id_of(4))
    await link.close(1012)
    link = await peer.accept()
    await link.greet(push(2), push(1), push(5), push(4), push(3, "read"))
    await client.until("online")
    await link.push(5, 6)
    await client.until("push", id=id_of(6))
    assert client.told("push") == [id_of(number) for number in (1, 2, 3, 4, 5, 6)]
    assert client.told("read") == client.told("cleared") == []


async def test_what_expired(peer, follow):
    """One that expired unread is told so once: by a message while it is here or back, or by its absence from an inbox
    that came as a whole."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1), push(2), push(3), push(4, "read"))
    await client.until("online")
    await link.push(1, 1, status="auto_cleared")
    await client.until("cleared", id=id_of(1))
    link.cut()
    link = await peer.accept()
    await link.greet(push(2, "auto_cleared"), push(5))
    await client.until("online")
    await link.push(6)
    await client.until("push", id=id_of(6))
    assert client.told("cleared") == [id_of(1), id_of(2), id_of(3)]
    assert client.told("push") == [id_of(number) for number in (1, 2, 3, 4, 5, 6)]


@pytest.mark.parametrize("ahead", [-HOURS, HOURS])
async def test_clock_skew(start_pod, redis, follow, ahead):
    """Its wall clock is five hours wrong: what lives, what has expired and whether a token is good, the server says."""
    settings = {"auth_mode": "token", "jwt_secret": SECRET, "admin_token": SECRET}
    pod = await start_pod(**settings)
    claims = {"sub": "1", "login": "alice", "iat": time.time(), "exp": time.time() + 3600}
    token = jwt.encode(claims, SECRET, "HS256")
    operator = {"Authorization": f"Bearer {SECRET}"}
    stamps = ["2099-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2024-01-01T00:00:00Z"]
    sent = [(await notify(pod, stamp, headers=operator, ttl="60s", created_at=stamp))[0] for stamp in stamps]
    alice = follow(f"http://127.0.0.1:{pod.port}", ahead=ahead, speed=FAST, token=token)
    await alice.until("online")
    sent += await notify(pod, "live", headers=operator, ttl="60s")
    await alice.until("push", id=sent[-1])
    assert alice.told("push") == sent
    assert alice.told("push", "status") == ["unread"] * 4
    assert alice.told("cleared") == []
    alice.read(sent[0])
    await alice.until("read", id=sent[0])
    await expire_payloads(redis)
    pod.pod.janitor._now = lambda: 4e9
    await pod.pod.janitor.sweep()
    await alice.until("cleared", id=sent[3])
    assert alice.told("cleared") == sent[1:]
    assert alice.told("error", "code") == []


UNKNOWN = [
    ("something.new", {"x": 1}),
    ("something.else", []),
    ("notification.push", None),
    ("notification.push", {"notification_id": 5}),
    ("notification.push", {**push(1), "stream_id": "soon"}),
    ("notification.read.ack", {}),
    ("sync.response", [None]),
    ("sync.complete", {}),
    ("error", []),
]


async def test_what_it_does_not_know(peer, follow):
    """Messages of unknown types, and what no server of ours says, change nothing."""
    client = follow(peer.url, speed=FAST)
    link = await peer.accept()
    await link.greet()
    await client.until("online")
    for kind, data in UNKNOWN:
        await link.say(kind, data)
    for text in ("nope", "null", "5", "[]", "{}", '{"type":5,"data":{}}', "[" * 60_000):
        await link.say_text(text)
    await link.push(1)
    await client.until("push", id=id_of(1))
    assert client.told("push") == [id_of(1)]
    assert client.told("read") == client.told("cleared") == client.told("waiting") == []
    assert peer.is_alone


async def test_two_users_on_one_server(client, follow):
    """Messages of another user are not told."""
    bob = {"id": 2, "login": "bob"}
    alice = follow(f"http://127.0.0.1:{client.port}")
    await alice.until("online")
    await notify(client, "to bob", targets=[bob])
    ids = await notify(client, "to both", targets=[bob, ALICE])
    await alice.until("push", id=ids[1])
    assert alice.told("push") == ids[1:]
