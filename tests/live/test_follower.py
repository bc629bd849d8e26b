"""Followers: what reaches other programs' protocols of an inbox, when, and how such a connection ends."""

import asyncio
from functools import partial

import pytest

from notifier.domain.access import ANYBODY, Caller
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.live.connection import BEGINNING
from notifier.live.follower import BEAT, SocketFollower, StreamFollower
from notifier.live.frames import SERVICE_RESTART, TEXT, encode_text
from notifier.service.states import EVERYTHING
from tests.live.test_pods import two_pods
from tests.live.test_websocket import Transport, server_frames
from tests.support import Inbox, code_of, eventually, expire_payloads, notify
from tests.web.endpoints.test_own_inbox import act

ALICE = User(1, "alice")
SMALL = 64 * 1024


class Stream:
    """A stream of the test: its documents, and how often its connection was cut."""

    def __init__(self, sockets, user=ALICE, caller=ANYBODY, **options):
        self.cuts = 0
        make = partial(StreamFollower, cut=self._cut, **options)
        self.follower = sockets.admit_as(make, user, "127.0.0.1", caller)
        self.documents = []
        sockets.begin(self.follower)

    def _cut(self):
        self.cuts += 1

    async def receive(self, kind):
        """The data of the next document, which must be of that type."""
        while not self.documents:
            found = await asyncio.wait_for(self.follower.take(), 5)
            assert found, "the stream has ended"
            self.documents += found
        document = self.documents.pop(0)
        assert document["type"] == kind, document
        return document["data"]


async def follow(client, **options):
    stream = Stream(client.pod.sockets, **options)
    start = await stream.follower.begun()
    stream.follower.go_live()
    return stream, start


class Endpoint:
    """An endpoint that notes who left."""

    def __init__(self):
        self.gone = []

    def receive(self, connection, text):
        raise AssertionError("nothing is to be carried out")

    def pushed(self, connection, count):
        pass

    def left(self, connection, code, reason):
        self.gone.append((code, reason))


def a_socket(reads=True, **options):
    follower = SocketFollower(
        ALICE, Endpoint(), now=0, max_frame=1024, send_buffer=SMALL, translate=lambda d: [d["type"].encode()], **options
    )
    transport = Transport(reads)
    follower.attach(transport)
    return follower, transport


# -- over a pod


async def test_what_comes_after_the_beginning_comes_once(client):
    (before,) = await notify(client, "before")
    stream, start = await follow(client)
    (after,) = await notify(client, "after")
    assert (await stream.receive("notification.push"))["notification_id"] == after
    page = await client.pod.person.states.page("1-alice", EVERYTHING, 10, None, None)
    known = [item for item in page["items"] if tuple(map(int, item["stream_id"].split("-"))) <= start]
    assert [item["notification_id"] for item in known] == [before]


async def test_what_comes_before_the_history_was_sent_waits(client):
    stream = Stream(client.pod.sockets)
    await stream.follower.begun()
    ids = [*await notify(client, "a"), *await notify(client, "b")]
    stream.follower.go_live()
    assert [(await stream.receive("notification.push"))["notification_id"] for _ in ids] == ids


async def test_states_come_without_asking(client):
    stream, _ = await follow(client)
    (nid,) = await notify(client)
    await stream.receive("notification.push")
    await act(client, nid, "archive")
    assert (await stream.receive("notification.read.ack"))["notification_id"] == nid
    assert (await stream.receive("notification.state"))["archived"]


async def test_what_expired_unread_is_told_of_the_greeting(client, redis):
    await notify(client)
    await expire_payloads(redis)
    client.pod.janitor._now = lambda: 4e9
    await client.pod.janitor.sweep()
    stream, _ = await follow(client)
    assert (await stream.receive("notification.push"))["status"] == "auto_cleared"


async def test_another_pods_notifications_come_too(start_pod, redis):
    one, two = await two_pods(start_pod)
    here, _ = await follow(one)
    there, _ = await follow(two)
    ids = [*await notify(one), *await notify(two)]
    for stream in (here, there):
        assert [(await stream.receive("notification.push"))["notification_id"] for _ in ids] == ids


async def test_the_limit_on_connections_of_a_user_holds(start_pod):
    client = await start_pod(max_connections_per_user=2)
    await follow(client)
    plain = await Inbox.open(client)
    with pytest.raises(NotifierError) as raised:
        Stream(client.pod.sockets)
    assert raised.value.code is ErrorCode.RATE_LIMITED
    await plain.socket.close()


async def test_a_stream_ends_with_its_key(client):
    stream, _ = await follow(client, caller=Caller("key:k", key_id="id"))
    client.pod.opened.end("id")
    assert await stream.follower.take() == []
    stream.follower.leave()
    assert not len(client.pod.hub) and client.pod.opened.keys == []


async def test_a_stream_ends_with_its_token(client):
    now = client.pod.redis.clock.now()
    stream, _ = await follow(client, caller=Caller("user:1-alice", user=ALICE, expires_at=now + 60))
    client.pod.hub.tick(stream.follower.clock() + 59)
    assert stream.follower.open
    client.pod.hub.tick(stream.follower.clock() + 61)
    assert await stream.follower.take() == []


async def test_a_drain_ends_streams_after_what_was_there(client):
    stream, _ = await follow(client)
    (nid,) = await notify(client)
    await eventually(lambda: stream.follower.buffered)
    client.pod.close_clients()
    assert (await stream.receive("notification.push"))["notification_id"] == nid
    assert await stream.follower.take() == [] and not stream.cuts
    stream.follower.leave()
    await eventually(lambda: not len(client.pod.hub))


async def test_who_takes_nothing_is_cut(start_pod):
    client = await start_pod(send_buffer="64KiB")
    stream, _ = await follow(client)
    for _ in range(12):
        await notify(client, "x" * 8000)
    await eventually(lambda: stream.cuts)
    assert not stream.follower.open


async def test_a_store_that_fails_ends_the_beginning(client, monkeypatch):
    async def fail(connection):
        raise NotifierError(ErrorCode.UNAVAILABLE, "away")

    monkeypatch.setattr(client.pod.router, "attach", fail)
    stream = Stream(client.pod.sockets)
    assert await code_of(stream.follower.begun()) is ErrorCode.UNAVAILABLE
    assert not stream.cuts


# -- alone


async def test_signs_of_life_come_by_the_clock():
    follower, transport = a_socket(beat=45.0)
    follower.greet([], 0, BEGINNING)
    now = follower.clock()
    follower.tick(now + 100)
    assert not transport.sent
    follower.go_live()
    for seconds, beats in ((44, 0), (46, 1), (60, 1), (92, 2)):
        follower.tick(now + seconds)
        found = [payload for opcode, payload in server_frames(bytes(transport.sent)) if opcode == TEXT]
        assert found == [b"beat"] * beats
    assert BEAT


async def test_a_document_becomes_texts_of_the_other_protocol():
    follower, transport = a_socket()
    follower.greet([encode_text(b'{"type":"left out","data":{}}')], 1, BEGINNING)
    follower.tell(
        encode_text(b'{"type":"a","data":{}}') + encode_text(b'{"type":"b","data":{"m":"%b"}}' % (b"x" * 900))
    )
    assert not transport.sent
    await follower.say(b"history")
    follower.go_live()
    assert server_frames(bytes(transport.sent)) == [(TEXT, b"history"), (TEXT, b"a"), (TEXT, b"b")]


async def test_a_socket_ends_without_a_close_frame():
    follower, transport = a_socket()
    follower.greet([], 0, BEGINNING)
    follower.go_live()
    follower.close(SERVICE_RESTART, "the server restarts")
    assert transport.lost and not transport.sent
    assert follower._endpoint.gone == [(SERVICE_RESTART, "the server restarts")]


async def test_history_waits_for_a_slow_client():
    follower, transport = a_socket(reads=False)
    follower.greet([], 0, BEGINNING)

    async def tell():
        for _ in range(100):
            await follower.say(b"x" * 1000)

    telling = asyncio.ensure_future(tell())
    await asyncio.sleep(0)
    assert follower.open and 0 < follower.buffered < SMALL // 2
    while not telling.done():
        transport.read()
        await asyncio.sleep(0)
    assert len(server_frames(bytes(transport.sent) + bytes(transport.waiting))) == 100


async def test_a_socket_that_goes_before_its_beginning_says_so():
    follower, transport = a_socket()
    transport.abort()
    assert await code_of(follower.begun()) is ErrorCode.UNAVAILABLE


async def test_a_protocol_that_fails_ends_its_own_connection_alone(caplog):
    follower, transport = a_socket()
    follower._translate = lambda document: [document["no such member"]]
    follower.greet([], 0, BEGINNING)
    follower.go_live()
    follower.tell(encode_text(b'{"type":"a","data":{}}'))
    assert transport.lost and not transport.sent and "websocket.handler_failed" in caplog.text
    follower.tell(encode_text(b'{"type":"b","data":{}}'))
