"""Upkeep of inboxes: expired, too many, cleared by hand, another life, dangling."""

import logging

import pytest

from notifier.errors import ErrorCode, NotifierError
from notifier.store.inbox_values import Expired, InboxPolicy
from tests.store.inboxes import inbox_of, item, put
from tests.support import expire_payloads

USER = "1-alice"
STREAM, STATE = "stream:user:1-alice", "notification_state:1-alice"


@pytest.fixture
def inbox(store, redis):
    return inbox_of(store, InboxPolicy(60_000, 3))


async def mark(redis, one):
    await redis.call("HSET", STATE, one.notification_id, "read")


async def test_expired_entries_go_with_their_read_marks(inbox, redis):
    read, unread = item(), item()
    await put(inbox, read, unread)
    await mark(redis, read)
    await expire_payloads(redis)
    await put(inbox, item())
    await redis.call("SET", "notif:lock:consumer:1-alice", "pod-a", "PX", 60_000)
    assert await inbox.upkeep.expire(USER, 60.0) == Expired(2, 1, "pod-a", [])
    assert await redis.call("XLEN", STREAM) == 1 and not await redis.call("EXISTS", STATE)
    assert await inbox.upkeep.expire(USER, 60.0) == Expired(0, 0, "pod-a", [])


async def test_a_payload_without_an_end_is_given_the_default_life(inbox, redis):
    await put(inbox, one := item())
    await redis.call("PERSIST", f"notification:{one.notification_id}")
    assert (await inbox.upkeep.expire(USER, 60.0)).removed == 0
    assert 0 < await redis.call("PTTL", f"notification:{one.notification_id}") <= 60_000


async def test_an_operator_removes_what_is_unread(inbox, redis):
    read, unread = item(), item()
    await put(inbox, read, unread)
    await mark(redis, read)
    assert await inbox.upkeep.clear(USER) == (1, "")
    assert [row.notification_id.decode() for row in await inbox.page(USER, 9, None, None)] == [read.notification_id]
    assert await inbox.upkeep.clear(USER) == (0, "")


async def test_the_newest_stay(inbox, redis):
    items = [item() for _ in range(5)]
    ids = await put(inbox, *items)
    await mark(redis, items[0])
    assert await redis.call("SISMEMBER", "notif:overfull", USER) == 1
    assert await inbox.upkeep.trim(USER) == (1, [])  # of two that went one was unread
    assert [row.stream_id.decode() for row in await inbox.page(USER, 9, None, None)] == ids[2:]
    assert await redis.call("SISMEMBER", "notif:overfull", USER) == 0


async def test_the_life_that_the_user_chose_but_not_where_the_sender_named_one(inbox, redis):
    usual = item()
    await put(inbox, usual)
    assert await inbox.upkeep.retain(USER) == 0  # none was chosen
    await inbox.set_retention(USER, 2)
    assert await inbox.upkeep.retain(USER) == 1
    life = await redis.call("PTTL", f"notification:{usual.notification_id}")
    assert 86_400_000 < life <= 2 * 86_400_000


async def test_dangling_states_and_a_lost_group(inbox, redis):
    await put(inbox, one := item())
    await mark(redis, one)
    await redis.call("HSET", STATE, "nobody-s", "read")
    await redis.call("XGROUP", "DESTROY", STREAM, "notifications")
    assert await inbox.upkeep.repair(USER) == (1, 1)
    assert await redis.call("HKEYS", STATE) == [one.notification_id.encode()]
    assert await inbox.upkeep.repair(USER) == (0, 0)


async def test_what_a_foreign_consumer_holds_becomes_the_user_s(inbox, redis):
    await put(inbox, item())
    await redis.call("XREADGROUP", "GROUP", "notifications", "a-stranger", "STREAMS", STREAM, ">")
    removed, created = await inbox.upkeep.repair(USER)
    assert (removed, created) == (1, 0)
    (consumer,) = await redis.call("XINFO", "CONSUMERS", STREAM, "notifications")
    assert consumer[1] != b"a-stranger" and consumer[3] == 1


async def test_a_failure_over_one_user_s_keys_is_named_once(inbox, store, caplog):
    error = NotifierError(ErrorCode.UNAVAILABLE, "odd")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            inbox.upkeep.note_failure(USER, error)
    assert store.spoilt.counts["stream"] == 3
    assert sum(STREAM in str(vars(record)) for record in caplog.records) == 1
