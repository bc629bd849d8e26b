"""Plain commands in place of scripts: the same outcome, also where a command fails or the user is not this pod's alone."""

import asyncio
import logging

import pytest

from notifier.store.express import BOOK_AFTER
from tests.live.test_pods import two_pods
from tests.support import ALICE, Inbox, eventually, notify

BOB = {"id": 2, "login": "bob"}
STREAM, STATE, SOLE = "stream:user:1-alice", "notification_state:1-alice", "notif:sole:1-alice"

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


@pytest.fixture
def scripts(client, monkeypatch):
    """The names of the scripts that leave."""
    sent, send_script = [], client.pod.redis.send_script

    def record(script, *call):
        sent.append(script.name)
        send_script(script, *call)

    monkeypatch.setattr(client.pod.redis, "send_script", record)
    return sent


async def pending(redis):
    return (await redis.call("XPENDING", STREAM, "notifications"))[0]


async def test_the_usual_case_needs_no_script(client, redis, scripts):
    inbox = await Inbox.open(client)
    scripts.clear()
    (nid,) = await notify(client)
    push = await inbox.receive("notification.push")
    assert push["notification_id"] == nid and 0 < await redis.call("PTTL", f"notification:{nid}") <= 900_000
    await inbox.read(push)
    assert (await inbox.receive("notification.read.ack"))["notification_id"] == nid
    assert not {"inbox/accept", "inbox/read", "inbox/arrivals"} & set(scripts)
    assert await redis.call("HGET", STATE, nid) == b"read"
    assert await pending(redis) == 0
    assert await redis.call("HGET", "notif:totals", "pending") == b"0"
    assert (client.pod.metrics.sent, client.pod.metrics.pushed, client.pod.metrics.acked) == (1, 1, 1)


async def test_many_targets_and_a_life_of_their_own(client, redis, scripts):
    inboxes = [await Inbox.open(client), await Inbox.open(client, 2, "bob")]
    scripts.clear()
    ids = await notify(client, targets=(ALICE, BOB), ttl="30s")
    for inbox, nid in zip(inboxes, ids, strict=True):
        assert (await inbox.receive("notification.push"))["notification_id"] == nid
        assert 0 < await redis.call("PTTL", f"notification:{nid}") <= 30_000
    assert "inbox/accept" not in scripts


async def test_what_is_unread_is_pending_in_the_group_soon(client, redis):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    assert await eventually(lambda: pending(redis)) == 1
    assert await inbox.is_quiet(), "what a script takes was pushed before"
    await inbox.read(push)
    await inbox.receive("notification.read.ack")
    assert await pending(redis) == 0


async def test_marks_out_of_order_leave_nothing_dangling(client, redis):
    inbox = await Inbox.open(client)
    for text in "abc":
        await notify(client, text)
    pushes = [await inbox.receive("notification.push") for _ in range(3)]
    for push in (pushes[1], pushes[0], pushes[2]):
        await inbox.read(push)
        await inbox.receive("notification.read.ack")
    await asyncio.sleep(3 * BOOK_AFTER)
    assert await pending(redis) == 0 and await redis.call("HLEN", STATE) == 3
    await notify(client, "d")
    await inbox.receive("notification.push")
    assert await eventually(lambda: pending(redis)) == 1
    assert await redis.call("HGET", "notif:totals", "pending") == b"1"


async def test_indexes_follow_within_a_second_and_for_readers_at_once(client, redis):
    inbox = await Inbox.open(client)
    await notify(client)
    await inbox.receive("notification.push")
    assert await client.pod.reports.pending_users("", 10) == ["1-alice"]
    assert await redis.call("ZSCORE", "notif:expiry", "1-alice")
    await inbox.read((await inbox.sync(limit=1))[0])
    await inbox.receive("notification.read.ack")
    await eventually(lambda: pending_is_empty(redis))


async def pending_is_empty(redis):
    return await redis.call("ZSCORE", "notif:pending", "1-alice") is None


async def test_a_stream_of_another_type_harms_its_user_alone(client, redis):
    inboxes = [await Inbox.open(client), await Inbox.open(client, 2, "bob")]
    await redis.call("SET", STREAM, "not a stream", "PX", 60000)
    ids = await notify(client, targets=(ALICE, BOB))
    for inbox, nid in zip(inboxes, ids, strict=True):
        assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert await redis.call("GET", f"notif:spoilt:{STREAM}") == b"not a stream"
    assert await redis.call("XLEN", STREAM) == 1 and await redis.call("EXISTS", f"notification:{ids[0]}")
    await client.pod.reports.pending_totals()
    assert await redis.call("HGET", "notif:totals", "pending") == b"2"


async def test_a_state_of_another_type_is_mended(client, redis):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    await redis.call("SET", STATE, "not a hash", "PX", 60000)
    await inbox.read(push)
    await inbox.receive("notification.read.ack")
    assert await redis.call("HGET", STATE, push["notification_id"]) == b"read"
    await client.pod.reports.pending_totals()
    assert await redis.call("HGET", "notif:totals", "pending") == b"0"


async def test_a_group_that_is_gone_is_made_again(client, redis):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    await redis.call("XGROUP", "DESTROY", STREAM, "notifications")
    await inbox.read(push)
    await inbox.receive("notification.read.ack")
    await notify(client, "next")
    assert (await inbox.receive("notification.push"))["message"] == "next"
    await eventually(lambda: has_group(redis))


async def has_group(redis):
    return bool(await redis.call("XINFO", "GROUPS", STREAM))


async def test_an_entry_that_is_gone_is_no_longer_read(client, redis):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    await redis.call("XDEL", STREAM, push["stream_id"])
    await redis.call("DEL", f"notification:{push['notification_id']}")
    await inbox.read(push)
    assert (await inbox.receive("error"))["code"] == "not_found"
    assert not await redis.call("EXISTS", STATE)


async def test_full_memory_refuses_and_stores_nothing(client, redis):
    inbox = await Inbox.open(client)
    await redis.call("CONFIG", "SET", "maxmemory", "1")
    try:
        response = await client.post("/api/v1/notify", json={"target": [ALICE], "message": "x"})
    finally:
        await redis.call("CONFIG", "SET", "maxmemory", "0")
    assert response.status_code == 503 and "out of memory" in client.pod.redis.refusal
    assert await redis.call("XLEN", STREAM) == 0 and not await redis.call("KEYS", "notification:*")
    await notify(client, "after")
    assert (await inbox.receive("notification.push"))["message"] == "after"


async def test_a_link_that_breaks_in_mid_turn_stores_once(client, redis):
    inbox = await Inbox.open(client)
    link = client.pod.redis._link
    write_out = link.write_out

    def write_and_break():
        write_out()
        asyncio.get_running_loop().call_later(0.02, link.close)

    link.data_received = lambda data: None  # carried out, and the answer is lost
    link.write_out = write_and_break
    (nid,) = await notify(client)
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert await redis.call("XLEN", STREAM) == 1
    assert await inbox.is_quiet()


async def test_a_server_that_allows_no_transactions(client, redis, caplog):
    inbox = await Inbox.open(client)
    await redis.call("ACL", "SETUSER", "default", "-multi")
    try:
        with caplog.at_level(logging.WARNING, "notifier.store"):
            (nid,) = await notify(client)
    finally:
        await redis.call("ACL", "SETUSER", "default", "+multi")
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert await redis.call("XLEN", STREAM) == 1
    assert "express.refused" in caplog.text
    await notify(client, "by script")
    assert (await inbox.receive("notification.push"))["message"] == "by script"


async def test_a_note_that_is_gone_gives_the_user_to_the_scripts(client, redis, scripts):
    inbox = await Inbox.open(client)
    await redis.call("DEL", SOLE)
    scripts.clear()
    (nid,) = await notify(client)
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert "inbox/accept" in scripts
    assert await redis.call("XLEN", STREAM) == 1 and await pending(redis) == 1
    assert await inbox.is_quiet()


async def test_everything_that_was_flushed_away(client, redis, monkeypatch):
    await Inbox.open(client)
    monkeypatch.setattr(client.pod.router, "start_anew", lambda: None)  # which would close all connections
    await redis.call("FLUSHALL")
    (nid,) = await notify(client)
    assert await redis.call("EXISTS", f"notification:{nid}") and await redis.call("XLEN", STREAM) == 1
    assert await client.pod.reports.pending_users("", 10) == ["1-alice"]
    assert await redis.call("ZSCORE", "notif:users", "1-alice") is not None


async def test_another_instance_stores_in_between(start_pod, redis):
    one, two = await two_pods(start_pod)
    inbox = await Inbox.open(one)
    sent = []
    for turn in range(20):
        for client in (one, two, one):
            sent += await notify(client, str(turn))
    got = [(await inbox.receive("notification.push"))["notification_id"] for _ in sent]
    assert sorted(got) == sorted(sent)
    stored = [entry[1][1].decode() for entry in await redis.call("XRANGE", STREAM, "-", "+")]
    assert got == stored, "in the order of the stream"
    assert await inbox.is_quiet()


async def test_another_instance_takes_part(start_pod, redis):
    one, two = await two_pods(start_pod)
    here = await Inbox.open(one)
    await notify(one, "alone")
    push = await here.receive("notification.push")
    there = await Inbox.open(two)
    assert not await redis.call("EXISTS", SOLE)
    await notify(one, "both")
    assert (await here.receive("notification.push"))["message"] == "both"
    assert (await there.receive("notification.push"))["message"] == "both"
    await here.read(push)
    for inbox in (here, there):
        assert (await inbox.receive("notification.read.ack"))["notification_id"] == push["notification_id"]
    assert await redis.call("HLEN", STATE) == 1


async def test_a_retention_of_their_own_is_kept(client, redis):
    inbox = await Inbox.open(client)
    await inbox.say("retention.set", days=3)
    await inbox.receive("retention.ack")
    (nid,) = await notify(client)
    await inbox.receive("notification.push")
    assert await eventually(lambda: lives_for_days(redis, nid))


async def lives_for_days(redis, nid):
    return await redis.call("PTTL", f"notification:{nid}") > 2 * 86_400_000


@pytest.mark.parametrize("stream_maxlen", ["3"])
async def test_no_inbox_grows_beyond_the_cap(start_pod, redis, stream_maxlen):
    client = await start_pod(stream_maxlen=stream_maxlen)
    await redis.call_many([("XADD", STREAM, "*", "nid", f"n{number}") for number in range(950)])
    inbox = await Inbox.open(client)
    for number in range(100):
        await notify(client, str(number))
        assert await redis.call("XLEN", STREAM) <= 1000
    got = [(await inbox.receive("notification.push"))["message"] for _ in range(100)]
    assert got == [str(number) for number in range(100)]


async def test_the_last_connection_takes_the_note_along(client, redis):
    inbox = await Inbox.open(client)
    assert await redis.call("GET", SOLE) == f"pod-a:{client.pod.holder.fence}".encode()
    await inbox.socket.close()
    await eventually(lambda: is_gone(redis))


async def is_gone(redis):
    return not await redis.call("EXISTS", SOLE)
