"""Figures of minutes: one hash an hour, gone after a day."""

from notifier.store.history import LIFE, History, Kept

HOUR = 490_000  # since 1970
MINUTE = HOUR * 60


async def test_minutes_of_all_instances_over_the_hours(store, redis):
    one, two = History(store, "pod-a"), History(store, "pod-b")
    await one.write(MINUTE - 1, b"a")
    await one.write(MINUTE, b"b")
    await one.write(MINUTE, b"c")  # in place of the one before
    await two.write(MINUTE, b"d")
    found = await one.read(MINUTE - 1, MINUTE)
    assert sorted(found) == [
        Kept(MINUTE - 1, "pod-a", b"a"),
        Kept(MINUTE, "pod-a", b"c"),
        Kept(MINUTE, "pod-b", b"d"),
    ]
    assert [kept.data for kept in await two.read(MINUTE - 1, MINUTE - 1)] == [b"a"]
    assert await two.read(MINUTE - 60 * 24, MINUTE - 60) == []


async def test_an_hour_has_a_life_and_what_is_foreign_is_left_out(store, redis):
    history = History(store, "pod-a")
    await history.write(MINUTE, b"a")
    key = f"notif:history:{HOUR}"
    assert 24 * 3600 * 1000 < await redis.call("PTTL", key) <= LIFE * 1000
    await redis.call("HSET", key, "nonsense", "x")
    await redis.call("SET", f"notif:history:{HOUR - 1}", "another type", "PX", 60_000)
    assert [kept.data for kept in await history.read(MINUTE - 60, MINUTE)] == [b"a"]
