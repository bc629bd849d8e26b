"""Notifications are taken in for inboxes: what is stored, announced, answered, and doubted when a reply goes lost."""

import asyncio
import json

import pytest

from notifier.domain.notifications import read_notify_request
from notifier.errors import ErrorCode, NotifierError
from notifier.service.limit import UserLimit
from notifier.service.once import IdempotencyKey, Once
from notifier.service.publish import Publisher
from notifier.store.idempotency import Idempotency
from notifier.store.inbox_acceptance import Acceptance
from notifier.store.inbox_plain import PlainSeat
from notifier.store.inbox_values import Holder, InboxPolicy
from notifier.store.limits import Limits

KEY = IdempotencyKey("shop", "notify", "k")
BODY = {"target": [{"id": 1, "login": "alice"}, {"id": 2, "login": "bob"}], "message": "m"}


class House:
    """A publisher with lists of what it told the others."""

    def __init__(self, store, limit=None):
        self.announced, self.doubted, self.stored = [], [], []
        self.publisher = Publisher(
            Acceptance(store, InboxPolicy(60_000, 100), PlainSeat()),
            Holder("pod-a", 1),
            lambda user, arrivals, own, at: self.announced.append((user, arrivals.owner)),
            self.doubted.extend,
            lambda items, content, accepted: self.stored.append(len(items)),
            Once(Idempotency(store), 60.0),
            limit,
            None,  # what has a key is tested by tests/web/endpoints/test_notify_changes
        )

    async def publish(self, body=BODY, key=None):
        answer = await self.publisher.publish(read_notify_request(body, "2026-01-01T00:00:00Z"), body, key)
        return [row["notification_id"] for row in json.loads(answer.body)["results"]], answer


@pytest.fixture
def house(store):
    return House(store)


async def test_each_target_has_an_entry_and_a_payload_under_the_id_of_the_answer(house, redis):
    ids, answer = await house.publish()
    for user, nid in zip(("1-alice", "2-bob"), ids, strict=True):
        ((_, fields),) = await redis.call("XRANGE", f"stream:user:{user}", "-", "+")
        assert fields == [b"nid", nid.encode()]
        assert json.loads(await redis.call("GET", f"notification:{nid}"))["message"] == "m"
    assert not answer.replayed and house.stored == [2] and house.doubted == []


async def test_only_users_with_connections_are_announced(house, redis):
    await redis.call("SET", "notif:lock:consumer:1-alice", "pod-b", "PX", 60_000)
    await house.publish()
    assert house.announced == [("1-alice", b"pod-b")]


async def test_a_repeat_is_answered_stores_nothing_and_is_doubted(house, redis):
    first, _ = await house.publish(key=KEY)
    again, answer = await house.publish(key=KEY)
    assert again == first and answer.replayed and house.stored == [2]
    assert house.doubted == ["1-alice", "2-bob"], "whoever repeats may have missed what the first try stored"
    assert await redis.call("XLEN", "stream:user:1-alice") == 1


async def test_another_request_under_the_key_is_refused(house, redis):
    await house.publish(key=KEY)
    with pytest.raises(NotifierError) as raised:
        await house.publish({**BODY, "message": "other"}, KEY)
    assert raised.value.code is ErrorCode.INVALID and await redis.call("XLEN", "stream:user:1-alice") == 1


async def test_a_repeat_is_answered_beyond_the_limit_and_does_not_count(store):
    house = House(store, UserLimit(Limits(store), (1, 3600.0)))
    first, answer = await house.publish(key=KEY)
    assert answer.quota is not None
    assert (await house.publish(key=KEY))[0] == first
    with pytest.raises(NotifierError) as raised:
        await house.publish(key=KEY._replace(key="next"))
    assert raised.value.code is ErrorCode.RATE_LIMITED and house.stored == [2]


async def test_a_lost_reply_is_doubted_and_the_same_ids_are_stored_once(house, store, redis):
    submit = house.publisher._acceptance.submit

    def cut(*args):
        submit(*args)
        asyncio.get_running_loop().call_soon(store._link.close)  # once it has left

    house.publisher._acceptance.submit = cut
    ids, _ = await house.publish()
    assert house.doubted == ["1-alice", "2-bob"] and house.stored == [2]
    ((_, fields),) = await redis.call("XRANGE", "stream:user:1-alice", "-", "+")
    assert fields == [b"nid", ids[0].encode()]


async def test_without_the_store_nothing_is_promised(house, store):
    await store.stop()
    with pytest.raises(NotifierError) as raised:
        await house.publish()
    assert raised.value.code is ErrorCode.UNAVAILABLE and house.stored == []


async def test_one_under_an_id_of_its_source_is_stored_once(house, redis):
    draft = read_notify_request(BODY, "2026-01-01T00:00:00Z")
    nid = "11111111-1111-4111-8111-111111111111"
    for _ in range(3):
        await house.publisher.publish_one(nid, draft.targets[0], draft.content)
    assert await redis.call("XLEN", "stream:user:1-alice") == 1


async def test_a_broadcast_has_an_entry_for_each_user(house, redis):
    draft = read_notify_request(BODY, "2026-01-01T00:00:00Z")
    assert await house.publisher.broadcast(draft.targets, draft.content) == 2
    assert [await redis.call("XLEN", f"stream:user:{user}") for user in ("1-alice", "2-bob")] == [1, 1]
