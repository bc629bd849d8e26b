"""Exact names: a delivery, a batch or a notification by its id, deliveries by address and user."""

from notifier.domain.ids import random_id
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import digest
from notifier.store.finds import ByName, Finds
from notifier.store.keys import DELIVERIES
from tests.store.inboxes import inbox_of, item, put
from tests.store.leases import new, stored


async def test_by_an_id(store, redis):
    finds, deliveries, batch = Finds(store), Deliveries(store), random_id()
    first, _ = await stored(deliveries, *(new(batch=batch) for _ in range(2)))
    await put(inbox_of(store), one := item())
    found = await finds.by_id(first)
    assert (found.delivery["id"], found.delivery["status"], found.batch, found.payload) == (first, "queued", 0, None)
    assert await finds.by_id(batch) == (None, 2, None)
    assert await finds.by_id(one.notification_id) == (None, 0, one.payload)
    assert await finds.by_id(random_id()) == (None, 0, None)


async def test_by_an_address_and_a_user(store, redis):
    finds, deliveries = Finds(store), Deliveries(store)
    await stored(deliveries, new(recipient=digest("+1"), created=1_000), new(recipient=digest("+1"), created=5_000))
    await stored(deliveries, new(recipient=digest("+2"), user=digest("u7"), created=7_000))
    assert (await finds.by_name("+1")).recipient == (2, 5_000.0)
    assert await finds.by_name("u7") == (None, (1, 7_000.0))
    assert await finds.by_name("nobody") == ByName(None, None)


async def test_an_index_of_another_type_holds_nothing(store, redis):
    await redis.call("SET", f"{DELIVERIES}index:user:{digest('u7')}", "no set", "EX", 60)
    assert (await Finds(store).by_name("u7")).user is None
