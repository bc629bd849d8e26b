"""No gap is passed over on a connection that stays open (contract §4)."""

import asyncio

import pytest

from notifier.store.bus import Behind, Forward, News, _decode
from tests.live.test_pods import two_pods
from tests.support import ALICE, OVER_BOTH_PATHS, Inbox, eventually, notify

pytestmark = OVER_BOTH_PATHS


def positions_of(pushes):
    return [tuple(map(int, push["stream_id"].split("-"))) for push in pushes]


async def receive(inbox, count):
    return [await inbox.receive("notification.push") for _ in range(count)]


@pytest.fixture
def lose_hand_outs(monkeypatch):
    """Drops what a pod hands out, as with a reply that never came; returns how to stop."""

    def lose(pod):
        monkeypatch.setattr(pod.router, "hand_out", lambda *args, **options: None)
        if pod.lean is not None:
            monkeypatch.setattr(pod.lean, "push", lambda *args: 0)
        return monkeypatch.undo

    return lose


async def test_what_was_missed_before_a_break_comes_before_what_follows(client, redis, lose_hand_outs):
    inbox = await Inbox.open(client)
    undo = lose_hand_outs(client.pod)
    missed = [(await notify(client, str(number)))[0] for number in range(3)]
    undo()
    client.pod.redis._link.close()
    assert await client.pod.redis.wait_up(5)
    (last,) = await notify(client, "last")
    pushes = await receive(inbox, 4)
    assert [push["notification_id"] for push in pushes] == [*missed, last]
    assert await inbox.is_quiet()


async def test_a_reply_lost_with_its_link_is_made_good(client, redis):
    inbox = await Inbox.open(client)
    link = client.pod.redis._link
    link.data_received = lambda data: None  # the script runs, its reply is lost, and the connection breaks
    transport, link._transport = link._transport, link._transport

    async def break_it():
        while not await redis.call("EXISTS", "stream:user:1-alice"):
            await asyncio.sleep(0)
        transport.abort()

    (nid,), _ = await asyncio.gather(notify(client), break_it())
    (second,) = await notify(client)
    assert [push["notification_id"] for push in await receive(inbox, 2)] == [nid, second]
    assert await inbox.is_quiet()


async def test_more_than_a_page_is_made_good_in_order(client, redis, lose_hand_outs):
    inbox, slow = await Inbox.open(client), await Inbox.open(client)
    undo = lose_hand_outs(client.pod)
    for number in range(0, 250, 50):
        await asyncio.gather(*(notify(client, str(number + one)) for one in range(50)))
    undo()
    client.pod.router.recover()
    for one in (inbox, slow):
        positions = positions_of(await receive(one, 250))
        assert positions == sorted(set(positions))
        assert await one.is_quiet()


async def test_what_comes_while_it_is_behind_waits_for_its_turn(client, redis, lose_hand_outs):
    inbox = await Inbox.open(client)
    undo = lose_hand_outs(client.pod)
    await notify(client)
    undo()
    client.pod.router.break_off()
    assert await asyncio.gather(*(notify(client, str(number)) for number in range(30)))
    positions = positions_of(await receive(inbox, 31))
    assert positions == sorted(set(positions)) and await inbox.is_quiet()


async def test_connections_of_different_progress_each_get_what_they_lack(client, redis):
    one, two = await Inbox.open(client), await Inbox.open(client)
    behind = client.pod.hub.member("1-alice").connections[1]
    behind.placed = False  # held back for a moment
    (nid,) = await notify(client)
    assert (await one.receive("notification.push"))["notification_id"] == nid
    behind.placed, behind._held = True, None
    client.pod.router.recover()
    assert (await two.receive("notification.push"))["notification_id"] == nid
    assert await one.is_quiet() and await two.is_quiet()


async def test_a_replay_announces_what_was_not_pushed(start_pod, redis, lose_hand_outs):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    headers = {"Idempotency-Key": "k"}
    undo = lose_hand_outs(one.pod)
    (nid,) = await notify(one, headers=headers)
    undo()
    assert await notify(two, headers=headers) == [nid]
    assert (await there.receive("notification.push"))["notification_id"] == nid
    assert await notify(one, headers=headers) == [nid]
    assert (await here.receive("notification.push"))["notification_id"] == nid
    assert await here.is_quiet() and await there.is_quiet()


async def test_a_replay_reaches_a_user_who_is_connected_elsewhere(start_pod, redis, monkeypatch):
    one, two = await two_pods(start_pod)
    there = await Inbox.open(two)
    headers = {"Idempotency-Key": "k"}
    monkeypatch.setattr(one.pod.router, "announce", lambda *args: None)
    monkeypatch.setattr(one.pod.publisher, "_announce", lambda *args: None)
    (nid,) = await notify(one, headers=headers)
    monkeypatch.undo()
    assert await there.is_quiet()
    assert await notify(one, headers=headers) == [nid]
    assert (await there.receive("notification.push"))["notification_id"] == nid


async def test_a_forward_that_was_lost_is_noticed_by_the_next(start_pod, redis, monkeypatch):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    post, lost = one.pod.bus.post, []
    monkeypatch.setattr(one.pod.bus, "post", lambda pod, message: lost.append(message))
    (first,) = await notify(one)
    assert (await here.receive("notification.push"))["notification_id"] == first
    monkeypatch.setattr(one.pod.bus, "post", post)
    (second,) = await notify(one)
    assert [push["notification_id"] for push in await receive(there, 2)] == [first, second]
    assert [type(message) for message in lost] == [Forward] and await there.is_quiet()


async def test_what_the_bus_lost_is_posted_again(client, redis):
    bus = client.pod.bus
    link = client.pod.redis._link
    await redis.call("XADD", "notif:bus:pod-z", "*", "m", b"\x90")
    bus.post("pod-z", News(["1-alice"]))
    bus.post("pod-z", Forward("2-bob", []))
    bus._flush()
    link.close()
    await client.pod.redis.wait_up(5)

    async def posted():
        entries = await redis.call("XRANGE", "notif:bus:pod-z", "-", "+")
        found = [message for _, fields in entries for message in _decode(fields[1])]
        return [message for message in found if isinstance(message, Behind)]

    (message,) = await eventually(posted)
    assert message == Behind(["1-alice", "2-bob"])
    await redis.call("DEL", "notif:bus:pod-z")


async def test_news_of_a_pod_that_died_before_it_told_are_read(start_pod, redis, monkeypatch):
    one, two = await two_pods(start_pod)
    await two.pod.heartbeat.round()
    there = await Inbox.open(two)
    monkeypatch.setattr(one.pod.publisher, "_announce", lambda *args: None)
    (nid,) = await notify(one)
    await one.pod.heartbeat.stop()
    await redis.call("DEL", "notif:pod:pod-a")
    await two.pod.heartbeat.round()
    assert (await there.receive("notification.push"))["notification_id"] == nid


async def test_a_stream_that_began_anew_below_the_cursor_is_followed(client, redis):
    (old,) = await notify(client)
    ahead = "9000000000000-0"  # Redis' clock was ahead, and somebody has deleted the stream since
    await redis.call("XADD", "stream:user:1-alice", ahead, "nid", old)
    inbox = await Inbox.open(client)
    await redis.call("DEL", "stream:user:1-alice")
    sent = [(await notify(client, str(number)))[0] for number in range(3)]
    assert [push["notification_id"] for push in await receive(inbox, 3)] == sent
    assert await inbox.is_quiet()


async def test_a_group_made_anew_pushes_nothing_twice(client, redis):
    inbox = await Inbox.open(client)
    first = await notify(client)
    await redis.call("XGROUP", "SETID", "stream:user:1-alice", "notifications", "0")
    second = await notify(client)
    assert [push["notification_id"] for push in await receive(inbox, 2)] == first + second
    assert await inbox.is_quiet()


@pytest.mark.parametrize("how", ["flushed", "replaced"])
async def test_a_store_with_other_data_sends_everybody_to_sync_again(client, redis, how):
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.receive("notification.push")
    await (redis.call("FLUSHALL") if how == "flushed" else redis.call("SET", "notif:epoch", "another"))
    client.pod.heartbeat.hurry()
    assert await inbox.closed() == 1012
    report = (await client.get("/health")).json()
    assert report["status"] == "degraded" and "other data" in report["components"]["redis"]["error"]
    assert "store_replacements 1.0" in (await client.get("/metrics")).text
    again = await Inbox.open(client)
    (nid,) = await notify(client, targets=[ALICE])
    assert (await again.receive("notification.push"))["notification_id"] == nid
    assert await again.is_quiet()


async def test_what_was_read_elsewhere_before_it_was_handed_out_is_pushed(start_pod, redis, monkeypatch):
    """The pod that took it in told nobody, caught up by itself, and its client read at once."""
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    monkeypatch.setattr(two.pod.publisher, "_announce", lambda *args: None)
    (missed,) = await notify(two)
    monkeypatch.undo()
    two.pod.router.claim("1-alice")
    push = await there.receive("notification.push")
    await there.read(push)
    for inbox in (here, there):
        await inbox.receive("notification.read.ack")
    (last,) = await notify(two)
    pushes = await receive(here, 2)
    assert [push["notification_id"] for push in pushes] == [missed, last]
    assert [push["read"] for push in pushes] == [True, False]
    assert (await there.receive("notification.push"))["notification_id"] == last
    assert await here.is_quiet() and await there.is_quiet()
