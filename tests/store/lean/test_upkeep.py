"""The upkeep behind plain commands: entries become pending in the group, indexes follow."""

import pytest

from tests.store.lean.support import pending
from tests.support import Inbox, eventually, notify

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


async def test_what_is_unread_is_pending_in_the_group_soon(client, redis):
    inbox = await Inbox.open(client)
    await notify(client)
    push = await inbox.receive("notification.push")
    assert await eventually(lambda: pending(redis)) == 1
    assert await inbox.is_quiet(), "what a script takes was pushed before"
    await inbox.read(push)
    await inbox.receive("notification.read.ack")
    assert await pending(redis) == 0


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
