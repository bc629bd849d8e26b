"""The data set's number: given once, agreed on by all, and its change told."""

import pytest

from notifier.errors import NotifierError
from notifier.store.epoch import Epoch

KEY = "notif:epoch"


def epoch(store):
    told = []
    return Epoch(store, lambda: told.append(1)), told


async def test_a_store_without_a_number_is_given_one_and_keeps_it(store, redis):
    (one, told), (two, _) = epoch(store), epoch(store)
    await one.read(store.call)
    number = await redis.call("GET", KEY)
    await two.read(store.call)
    assert await redis.call("GET", KEY) == number
    assert one.agrees(number) and two.agrees(number) and not one.agrees(None) and not told


@pytest.mark.parametrize("change", [("FLUSHALL",), ("SET", KEY, "another")], ids=["flushed", "replaced"])
async def test_another_data_set_is_told_once(store, redis, change):
    one, told = epoch(store)
    await one.read(store.call)
    number = await redis.call("GET", KEY)
    await redis.call(*change)
    await one.read(store.call)
    await one.read(store.call)
    assert told == [1] and not one.agrees(number) and one.agrees(await redis.call("GET", KEY))


async def test_a_store_that_refuses_writes_is_asked_again_later(store, redis):
    one, told = epoch(store)
    await redis.call("CONFIG", "SET", "min-replicas-to-write", "1")
    try:
        await one.read(store.call)
        assert not await redis.call("EXISTS", KEY)
    finally:
        await redis.call("CONFIG", "SET", "min-replicas-to-write", "0")
    await one.read(store.call)
    assert one.agrees(await redis.call("GET", KEY)) and not told


async def test_a_store_that_is_away_is_no_other_store(store):
    one, told = epoch(store)

    async def away(*command):
        raise NotifierError("unavailable", "away")

    await one.read(store.call)
    with pytest.raises(NotifierError):
        await one.read(away)
    assert not told
