"""Finding by exact ids and by the beginnings of names, exact ones first."""

import time

import pytest

from notifier.domain.ids import random_id
from notifier.domain.sessions import Session
from notifier.domain.users import User
from notifier.service.find import Finder
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import digest
from notifier.store.presence import Presence
from notifier.store.reports import Reports
from notifier.store.sessions import Sessions
from tests.store.inboxes import inbox_of, item, put
from tests.store.leases import new, stored

USERS = [User(1, "smith"), User(2, "smoke"), User(30, "zoé")]


@pytest.fixture
async def finder(store, redis):
    await put(inbox_of(store), *map(item, USERS))
    await redis.call("HSET", "notif:pods:hb", "pod-a", int(time.time()))
    return Finder(Reports(store), Presence(store, 10.0), Sessions(store, 60.0), store)


async def found(finder, text, limit=20):
    return [(row["kind"], row["id"]) for row in await finder.find(text, limit)]


async def test_users_by_the_beginning_of_a_login_or_an_id(finder):
    assert await found(finder, "smi") == [("login", "1-smith")]
    assert await found(finder, "3") == [("user", "30-zoé")]
    assert await found(finder, "2-") == [("user", "2-smoke")]


async def test_channels_and_instances_come_before_users(finder):
    assert await found(finder, "sm") == [("channel", "sms"), ("login", "1-smith"), ("login", "2-smoke")]
    assert await found(finder, "sm", limit=2) == [("channel", "sms"), ("login", "1-smith")]
    assert await found(finder, "pod-") == [("instance", "pod-a")]
    ((row),) = await finder.find("pod-a", 5)
    assert row["label"] == "gone"


async def test_a_notification_with_its_user(finder, store):
    await put(inbox_of(store), one := item(USERS[0], message="x" * 200))
    (row,) = await finder.find(one.notification_id, 5)
    assert (row["kind"], len(row["label"])) == ("notification", 80)


async def test_a_delivery_a_batch_and_an_address(finder, store):
    deliveries, batch = Deliveries(store), random_id()
    document = b'{"id":"%b","channel":"sms","recipient":"+905551234567","created_at":"2026-01-01T00:00:00.000Z"}'
    one = new(batch=batch, recipient=digest("+905551234567"), user=digest("u7"))
    await stored(deliveries, one._replace(document=document % one.id.encode()), new(batch=batch))
    (row,) = await finder.find(one.id, 5)
    assert (row["kind"], row["label"]) == ("delivery", "sms to +905551234567, queued")
    assert await found(finder, batch) == [("batch", batch)]
    (row,) = await finder.find("+905551234567", 5)
    assert (row["kind"], row["label"]) == ("address", "1 delivery")
    (row,) = await finder.find("u7", 5)
    assert (row["kind"], row["user_id"]) == ("user", "u7")


async def test_a_device_names_its_user(finder, store):
    token = "ab" * 32
    await Sessions(store, 60.0).add(Session("u9", "ios", token, {}, ""))
    (row,) = await finder.find(token, 5)
    assert (row["kind"], row["user_id"], row["label"]) == ("address", "u9", "ios address of u9")


async def test_nothing(finder):
    assert await found(finder, "nobody at all") == [] and await found(finder, random_id()) == []
