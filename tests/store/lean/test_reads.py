"""Marks of reading by plain commands: the same outcome as by scripts, also where a command fails."""

import asyncio

import pytest

from notifier.store.lean.upkeep import BOOK_AFTER
from tests.store.lean.support import STATE, STREAM, has_pending, pending
from tests.support import Inbox, eventually, notify

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


async def test_what_was_read_late_needs_no_script_either(client, redis, scripts):
    inbox = await Inbox.open(client)
    for text in "ab":
        await notify(client, text)
    pushes = [await inbox.receive("notification.push") for _ in range(2)]
    await eventually(lambda: has_pending(redis, 2))
    scripts.clear()
    for push in reversed(pushes):
        await inbox.read(push)
        assert (await inbox.receive("notification.read.ack"))["notification_id"] == push["notification_id"]
    assert not {"inbox/read", "inbox/confirm"} & set(scripts)
    assert await pending(redis) == 0 and await redis.call("HLEN", STATE) == 2
    assert await redis.call("HGET", "notif:totals", "pending") == b"0"
    await inbox.read(pushes[0])
    await inbox.receive("notification.read.ack")
    assert "inbox/read" in scripts, "what was read is not remembered"
    assert client.pod.metrics.acked == 2


@pytest.mark.parametrize("gone", ["payload", "entry"])
async def test_what_went_before_it_was_read_late(client, redis, gone):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    await eventually(lambda: has_pending(redis, 1))
    await redis.call("DEL", f"notification:{push['notification_id']}")
    if gone == "entry":
        await redis.call("XDEL", STREAM, push["stream_id"])
    await inbox.read(push)
    answer = await inbox.receive("notification.read.ack" if gone == "payload" else "error")
    assert gone == "payload" or answer["code"] == "not_found"
    assert await redis.call("EXISTS", STATE) == (gone == "payload")


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
