"""Users whom an instance serves alone: what is remembered of them, and how long."""

import pytest

from notifier.store.lean.soles import BOOKED_MAX
from tests.store.lean.support import SOLE, has_pending, pending
from tests.support import Inbox, eventually, notify

pytestmark = pytest.mark.parametrize("lean_path", ["on"], indirect=True)


async def test_few_pairs_of_a_user_are_remembered(client, redis, scripts):
    inbox = await Inbox.open(client)
    for number in range(BOOKED_MAX + 1):
        await notify(client, str(number))
    pushes = [await inbox.receive("notification.push") for _ in range(BOOKED_MAX + 1)]
    await eventually(lambda: has_pending(redis, BOOKED_MAX + 1))
    assert len(client.pod.inbox.plain.path.soles.users["1-alice"].booked) == BOOKED_MAX
    scripts.clear()
    await inbox.read(pushes[0])
    await inbox.receive("notification.read.ack")
    assert "inbox/read" in scripts and await pending(redis) == BOOKED_MAX


async def test_an_instance_that_knows_no_such_note_is_noticed_at_the_next_renewal(client, redis, scripts):
    inbox = await Inbox.open(client)
    await redis.call("HSET", "notif:route:1-alice", "pod-older", "1")
    await client.pod.router.renew()
    assert not await redis.call("EXISTS", SOLE)
    scripts.clear()
    (nid,) = await notify(client)
    assert (await inbox.receive("notification.push"))["notification_id"] == nid
    assert "inbox/accept" in scripts
