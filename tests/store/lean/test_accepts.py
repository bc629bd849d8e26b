"""Notifications stored by plain commands: the same outcome as by scripts, also where a command fails."""

import asyncio

import pytest

from tests.store.lean.support import BOB, SOLE, STREAM, pending
from tests.support import ALICE, Inbox, eventually, notify

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


async def test_many_targets_and_a_life_of_their_own(client, redis, scripts):
    inboxes = [await Inbox.open(client), await Inbox.open(client, 2, "bob")]
    scripts.clear()
    ids = await notify(client, targets=(ALICE, BOB), ttl="30s")
    for inbox, nid in zip(inboxes, ids, strict=True):
        assert (await inbox.receive("notification.push"))["notification_id"] == nid
        assert 0 < await redis.call("PTTL", f"notification:{nid}") <= 30_000
    assert "inbox/accept" not in scripts


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


async def test_a_link_that_breaks_in_mid_turn_stores_once(client, redis):
    inbox = await Inbox.open(client)
    link = client.pod.redis._link
    write_out = link.write_out

    def write_and_break():
        write_out()
        asyncio.get_running_loop().call_later(0.02, link.close)

    link._give_out = lambda replies: None  # carried out, and the answer is lost
    link.write_out = write_and_break
    (nid,) = await notify(client)
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert await redis.call("XLEN", STREAM) == 1
    assert await inbox.is_quiet()


async def test_a_note_that_is_gone_gives_the_user_to_the_scripts(client, redis, scripts):
    inbox = await Inbox.open(client)
    await redis.call("DEL", SOLE)
    scripts.clear()
    (nid,) = await notify(client)
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert "inbox/accept" in scripts
    assert await redis.call("XLEN", STREAM) == 1 and await pending(redis) == 1
    assert await inbox.is_quiet()


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
