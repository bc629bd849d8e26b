"""An inbox of hundreds is looked after in parts, and comes out as it would of one."""

import pytest

from notifier.domain.ids import random_id
from notifier.domain.notifications import payload_json, read_notify_request
from notifier.domain.users import User
from notifier.store.inbox_values import Item
from tests.support import ALICE, Inbox

NOW = "2024-01-01T12:00:00.000Z"
STREAM, STATE = "stream:user:1-alice", "notification_state:1-alice"
MANY = 620  # more than two parts


async def fill(client, count=MANY, ttl_ms=None):
    """Stores so many for alice; their ids, oldest first."""
    content = read_notify_request({"target": [ALICE], "message": "m"}, NOW).content
    user, ids = User(1, "alice"), [random_id() for _ in range(count)]
    items = [Item(user, nid, ttl_ms, payload_json(nid, user, content)) for nid in ids]
    await client.pod.inbox.acceptance.accept(client.pod.holder, items, None)
    return ids


@pytest.fixture
def client(loop, start_pod):
    return loop.run_until_complete(start_pod(stream_maxlen="1000"))


async def test_a_part_of_them_expires(client, redis):
    ids = await fill(client)
    await redis.call("DEL", *(f"notification:{nid}" for nid in ids[::2]))
    expired = await client.pod.inbox.upkeep.expire("1-alice", 60.0)
    assert (expired.removed, expired.unread) == (MANY // 2, MANY // 2)
    assert await redis.call("XLEN", STREAM) == MANY // 2
    due = float(await redis.call("ZSCORE", "notif:expiry", "1-alice"))
    left = await redis.call("PEXPIRETIME", f"notification:{ids[1]}")
    assert abs(due - left) < 2, "the next look is when the next payload goes"


async def test_a_sweep_that_dies_leaves_the_user_to_the_next(client, redis):
    await fill(client)
    script = client.pod.redis.script("inbox/expire")
    await client.pod.redis.run(script, STREAM, "1-alice", 60_000, 900_000, "-", "", "")
    assert await redis.call("ZSCORE", "notif:expiry", "1-alice")


async def test_what_came_during_a_sweep_brings_the_next_forward(client, redis):
    await fill(client, ttl_ms=500_000)
    script = client.pod.redis.script("inbox/expire")
    *_, begin, soonest, provisional, _ = await client.pod.redis.run(script, STREAM, "1-alice", 60_000, 9, "-", "", "")
    (nid,) = await fill(client, 1, ttl_ms=5_000)
    while begin is not None:
        args = ("1-alice", 60_000, 9, begin, soonest, provisional)
        *_, begin, soonest, provisional, _ = await client.pod.redis.run(script, STREAM, *args)
    due = float(await redis.call("ZSCORE", "notif:expiry", "1-alice"))
    assert abs(due - await redis.call("PEXPIRETIME", f"notification:{nid}")) < 5


async def test_all_is_marked_read_and_every_one_acknowledged(client, redis):
    ids = await fill(client)
    inbox = await Inbox.open(client)
    newest = inbox.greeting[-1]["stream_id"]
    await inbox.say("notification.read_all", up_to=newest)
    acked = [(await inbox.receive("notification.read.ack"))["notification_id"] for _ in ids]
    assert acked == ids and await redis.call("HLEN", STATE) == MANY
    assert not await redis.call("EXISTS", "notif:pending")
    assert client.pod.metrics.acked == MANY


async def test_it_is_cut_to_the_newest(client, redis):
    await fill(client)
    client.pod.inbox.upkeep.reconfigure(client.pod.inbox.policy._replace(maxlen=5))
    assert (await client.pod.inbox.upkeep.trim("1-alice"))[0] == MANY - 5
    assert await redis.call("XLEN", STREAM) == 5


async def test_an_operator_clears_all_of_it(client, redis):
    await fill(client)
    response = await client.delete("/api/v1/admin/users/1-alice/pending")
    assert response.json() == {"cleared": MANY}
    assert await redis.call("XLEN", STREAM) == 0


async def test_a_retention_reaches_all_of_it(client, redis):
    ids = await fill(client)
    await client.pod.inbox.set_retention("1-alice", 3)
    assert await client.pod.inbox.upkeep.retain("1-alice") == MANY
    assert await redis.call("PTTL", f"notification:{ids[-1]}") > 2 * 86_400_000


async def test_a_state_without_an_entry_is_found_among_hundreds(client, redis):
    ids = await fill(client)
    assert await client.pod.inbox.upkeep.repair("1-alice") == (0, 0)
    await redis.call("HSET", STATE, "nobody", "read", ids[0], "read")
    assert await client.pod.inbox.upkeep.repair("1-alice") == (1, 0)
    assert await redis.call("HKEYS", STATE) == [ids[0].encode()]


async def test_operators_page_through_all_of_it(client):
    ids = await fill(client)
    history = (await client.get("/api/v1/admin/history?user_id=1&login=alice&limit=1000")).json()
    assert [row["notification_id"] for row in history["notifications"]] == ids[::-1]
    pending = (await client.get("/api/v1/admin/pending?limit=1000")).json()
    assert len(pending["pending_notifications"]["1-alice"]) == MANY
    reading = await client.get("/api/v1/admin/pending?limit=300")
    assert len(reading.json()["pending_notifications"]["1-alice"]) == 300
