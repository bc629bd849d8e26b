"""Rate limits counted in Redis: a place for each, or none for anybody."""

from notifier.store.limits import Limits, Taken

HOUR = 3600.0


async def test_places_are_counted_for_each_user_and_name(store):
    one, two = Limits(store), Limits(store)
    assert (await one.take("notify", (2, HOUR), ["1-a"])).left == 1
    taken = await two.take("notify", (2, HOUR), ["1-a"])
    assert taken.left == 0 and 0 < taken.free_in <= HOUR and not taken.over
    assert (await one.take("api", (2, HOUR), ["1-a"])).left == 1
    assert (await one.take("notify", (2, HOUR), ["2-b"])).left == 1


async def test_who_is_over_is_named_and_nobody_has_lost_a_place(store):
    limits = Limits(store)
    await limits.take("notify", (1, HOUR), ["1-a"])
    taken = await limits.take("notify", (1, HOUR), ["2-b", "1-a", "3-c"])
    assert taken.over.keys() == {"1-a"} and 0 < taken.over["1-a"] <= HOUR and taken.left == 0
    assert await limits.take("notify", (1, HOUR), ["2-b", "3-c"]) == Taken({}, 0, HOUR)


async def test_the_least_that_anybody_has_left_is_told(store):
    limits = Limits(store)
    for _ in range(3):
        await limits.take("notify", (5, HOUR), ["1-a"])
    assert (await limits.take("notify", (5, HOUR), ["2-b", "1-a"])).left == 1


async def test_a_limit_lives_as_long_as_something_of_it_is_taken(store, redis):
    await Limits(store).take("notify", (10, HOUR), ["1-a"])
    assert 0 < await redis.call("PTTL", "notif:limit:notify:1-a") <= HOUR * 100 + 1


async def test_a_value_of_another_program_counts_as_nothing_taken(store, redis):
    await redis.call("SET", "notif:limit:notify:1-a", "no number", "EX", 60)
    assert (await Limits(store).take("notify", (2, HOUR), ["1-a"])).left == 1
