"""Plain commands in place of scripts: the same outcome, also where a command fails or the user is not this pod's alone."""

import pytest

from tests.live.test_pods import two_pods
from tests.store.lean.support import SOLE, STATE, STREAM, pending
from tests.support import Inbox, eventually, notify

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


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


async def test_the_last_connection_takes_the_note_along(client, redis):
    inbox = await Inbox.open(client)
    assert await redis.call("GET", SOLE) == f"pod-a:{client.pod.holder.fence}".encode()
    await inbox.socket.close()
    await eventually(lambda: is_gone(redis))


async def is_gone(redis):
    return not await redis.call("EXISTS", SOLE)
