"""Deliveries are taken in: single ones, batches, what comes with an id of its own, and what cannot become one."""

import json

import pytest

from notifier.domain.deliveries import Draft
from notifier.domain.status import Status
from notifier.errors import ErrorCode, NotifierError
from notifier.service.accept import AcceptPolicy, AcceptService, Undeliverable
from notifier.service.limit import DeliveryLimit
from notifier.service.once import IdempotencyKey, Once
from notifier.store.deliveries import Deliveries
from notifier.store.idempotency import Idempotency
from notifier.store.limits import Limits

DRAFT = Draft("sms", "+905551234567", "u1", "x", "", {}, "normal", None, None, None, None)
ITEM = {"channel": "sms", "recipient": "+905551234567", "user_id": "u1", "content": "x"}
ID = "11111111-1111-4111-8111-111111111111"


class House:
    """The service with a list of the changes that it told."""

    def __init__(self, store, limit=None):
        self.changes = []
        self.deliveries = Deliveries(store)
        once = Once(Idempotency(store), 60.0)
        self.accept = AcceptService(self.deliveries, once, self.changes.extend, store.clock, AcceptPolicy(3, limit))

    async def create(self, key=None, draft=DRAFT, body=ITEM):
        header = None if key is None else IdempotencyKey("shop", "notifications", key)
        answer = await self.accept.create(draft, body, "shop", header)
        return json.loads(answer.body)["id"], answer.replayed

    async def batch(self, items, key=None):
        header = None if key is None else IdempotencyKey("shop", "batch", key)
        answer = await self.accept.create_batch(items, items, "shop", header)
        return json.loads(answer.body), answer.replayed


@pytest.fixture
def house(store, redis):
    return House(store)


@pytest.fixture(autouse=True)
async def measured(store):
    """The service asks for Redis' time."""
    await store.measure_clock()


async def test_a_delivery_is_queued_and_told(house):
    identity, replayed = await house.create()
    record = await house.deliveries.get(identity)
    assert record.status is Status.QUEUED and not replayed
    assert [(change.id, change.status) for change in house.changes] == [(identity, Status.QUEUED)]


async def test_what_is_due_later_is_scheduled_and_what_was_due_is_queued(house):
    later, _ = await house.create(draft=DRAFT._replace(scheduled_at="2099-01-01T00:00:00Z"))
    earlier, _ = await house.create(draft=DRAFT._replace(scheduled_at="2001-01-01T00:00:00Z"))
    assert [change.status for change in house.changes] == [Status.SCHEDULED, Status.QUEUED]
    assert (await house.deliveries.get(later)).status is Status.SCHEDULED
    assert (await house.deliveries.get(earlier)).status is Status.QUEUED


async def test_a_repeat_is_given_the_first_and_another_request_is_refused(house):
    first = await house.create("k")
    assert await house.create("k") == (first[0], True) and len(house.changes) == 1
    with pytest.raises(NotifierError) as raised:
        await house.create("k", body={**ITEM, "content": "other"})
    assert raised.value.code is ErrorCode.INVALID


async def test_a_repeat_is_answered_beyond_the_limit(store):
    house = House(store, DeliveryLimit(Limits(store), (1, 3600.0)))
    first = await house.create("k")
    assert await house.create("k") == (first[0], True)
    with pytest.raises(NotifierError) as raised:
        await house.create("next")
    assert raised.value.code is ErrorCode.RATE_LIMITED


async def test_a_batch_stores_what_is_valid_and_names_the_rest(house):
    answer, _ = await house.batch([ITEM, {"channel": "fax"}, ITEM])
    assert (answer["total"], answer["accepted"], answer["rejected"]) == (3, 2, 1)
    assert [sorted(row) for row in answer["notifications"]] == [["id", "index"], ["errors", "index"], ["id", "index"]]
    assert (await house.deliveries.batch(answer["batch_id"], 0, 10)).statuses == {"queued": 2}


async def test_a_batch_under_a_key_is_stored_once(house):
    first = await house.batch([ITEM, ITEM], "k")
    assert await house.batch([ITEM, ITEM], "k") == (first[0], True) and len(house.changes) == 2


async def test_a_batch_that_broke_off_goes_on_with_the_same_ids(house):
    finish, ended = house.accept._once._idempotency.finish, []

    async def fail(*args):
        ended.append(args)
        raise RuntimeError("by the test")

    house.accept._once._idempotency.finish = fail
    with pytest.raises(RuntimeError):
        await house.batch([ITEM, ITEM], "k")
    house.accept._once._idempotency.finish = finish
    answer, replayed = await house.batch([ITEM, ITEM], "k")
    assert not replayed and {row["id"] for row in answer["notifications"]} == {change.id for change in house.changes}
    assert len(house.changes) == 2 == len(answer["notifications"]) and len(ended) == 1


async def test_the_same_key_twice_in_a_batch_is_one_delivery(house):
    item = {**ITEM, "idempotency_key": "i"}
    answer, _ = await house.batch([item, item, {**item, "content": "other"}])
    rows = answer["notifications"]
    assert rows[0]["id"] == rows[1]["id"] and rows[2]["errors"][0]["path"] == "idempotency_key"


async def test_an_id_of_its_source_is_stored_once(house):
    for _ in range(2):
        (stored,) = await house.accept.accept([(ID, DRAFT)])
        assert stored.id == ID
    assert len(house.changes) == 1


async def test_a_dead_letter_is_kept_once(house):
    dead = Undeliverable(ID, {"topic": "t"}, "malformed", "no JSON")
    assert [await house.accept.bury(items) for items in ([], [dead], [dead])] == [0, 1, 0]
    (entry,) = await house.deliveries.dead_letters(0, 10)
    assert (entry.id, entry.reason, json.loads(entry.document)) == (ID, "malformed", {"id": ID, "topic": "t"})
