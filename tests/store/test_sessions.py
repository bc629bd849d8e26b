"""The addresses of users: a life for each, the newest fifty, devices that move, and what an earlier version stored."""

import asyncio
import json
import time

import pytest

from notifier.domain.sessions import Session
from notifier.domain.times import format_time
from notifier.store.delivery_records import digest
from notifier.store.keys import DELIVERIES
from notifier.store.sessions import MAX_SESSIONS, Sessions

HOUR_MS = 3_600_000


@pytest.fixture
def sessions(store):
    return Sessions(store, HOUR_MS / 1000)


def phone(token, user="7", platform="android"):
    return Session(user, platform, token, {}, "2020-01-01T00:00:00.000Z")


def field(token, platform="android"):
    return f"{platform}:{digest(token)}"


def key(name, user="7"):
    return f"{DELIVERIES}{name}:{digest(user)}"


async def tokens(sessions, user="7"):
    return [one.session.address for one in await sessions.of(user)]


async def age(redis, token, ms, user="7", platform="android"):
    """Makes an address as old as if so many ms had passed for it."""
    await redis.call("ZINCRBY", key("session_ends", user), -ms, field(token, platform))


async def ends(redis, user="7"):
    rows = await redis.call("ZRANGE", key("session_ends", user), 0, -1, "WITHSCORES")
    return {rows[i].decode(): float(rows[i + 1]) for i in range(0, len(rows), 2)}


async def all_keys(redis):
    return {name.decode().removeprefix(DELIVERIES) for name in await redis.call("KEYS", DELIVERIES + "session*")}


async def test_the_time_is_redis_clock(sessions, redis):
    added = await sessions.add(phone("a"))
    seconds, micros = await redis.call("TIME")
    (found,) = await sessions.of("7")
    assert 0 <= int(seconds) + int(micros) / 1e6 - found.at < 5
    assert added == found.session
    assert added.created_at == format_time(found.since / 1e6)


async def test_each_address_has_a_life_of_its_own(sessions, redis):
    await sessions.add(phone("a"))
    await sessions.add(phone("b"))
    await age(redis, "a", HOUR_MS + 1)
    assert await tokens(sessions) == ["b"]
    assert set(await ends(redis)) == {field("b")}
    assert await redis.call("HLEN", key("sessions")) == await redis.call("ZCARD", key("session_since")) == 1
    assert await redis.call("EXISTS", f"{DELIVERIES}session_owner:{field('a')}") == 0


async def test_registering_one_renews_no_other(sessions, redis):
    await sessions.add(phone("a"))
    await age(redis, "a", HOUR_MS // 2)
    before = await ends(redis)
    await sessions.add(phone("b"))
    assert (await ends(redis))[field("a")] == before[field("a")]


async def test_use_renews_what_is_used(sessions, redis):
    await sessions.add(phone("a"))
    await sessions.add(phone("ada@example.com", platform="email"))
    for token, platform in (("a", "android"), ("ada@example.com", "email")):
        await age(redis, token, HOUR_MS // 2, platform=platform)
    before = await ends(redis)
    await sessions.of("7")
    assert await ends(redis) == before
    await sessions.of("7", "push")
    after = await ends(redis)
    assert after[field("a")] > before[field("a")]
    assert after[field("ada@example.com", "email")] == before[field("ada@example.com", "email")]


async def test_keys_live_as_long_as_the_last_address(sessions, redis):
    await sessions.add(phone("a"))
    await sessions.add(phone("b"))
    names = await all_keys(redis)
    assert len(names) == 5
    for name in names:
        assert HOUR_MS - 5000 < await redis.call("PTTL", DELIVERIES + name) <= HOUR_MS
    await age(redis, "b", HOUR_MS // 2)
    await sessions.drop(one for one in await sessions.of("7") if one.session.address == "a")
    await sessions.add(phone("b", platform="ios"))
    await sessions.drop_all("7")
    assert await all_keys(redis) == set()


async def test_nothing_is_written_by_a_look(sessions, redis):
    await sessions.add(phone("a"))
    before = await redis.call("INFO", "persistence")
    await sessions.of("7")
    after = await redis.call("INFO", "persistence")
    changes = [next(line for line in text.split(b"\r\n") if b"changes_since" in line) for text in (before, after)]
    assert changes[0] == changes[1]


async def test_the_newest_fifty_stay(sessions, redis):
    for number in range(MAX_SESSIONS + 3):
        await sessions.add(phone(f"t{number}"))
    assert await tokens(sessions) == [f"t{number}" for number in range(3, MAX_SESSIONS + 3)]
    assert await redis.call("EXISTS", f"{DELIVERIES}session_owner:{field('t0')}") == 0


async def test_use_makes_none_younger_and_a_registration_does(sessions):
    for number in range(MAX_SESSIONS):
        await sessions.add(phone(f"t{number}"))
    await sessions.of("7", "push")
    await sessions.add(phone("t0"))
    await sessions.add(phone("one more"))
    found = await tokens(sessions)
    assert "t1" not in found
    assert found[-2:] == ["t0", "one more"]
    assert len(found) == MAX_SESSIONS


async def test_many_at_once_stay_fifty(sessions, redis):
    await asyncio.gather(*(sessions.add(phone(f"t{number}")) for number in range(120)))
    assert len(await tokens(sessions)) == MAX_SESSIONS
    assert len(await all_keys(redis)) == MAX_SESSIONS + 3


async def test_the_newest_stays_though_the_clock_was_set_back(sessions, redis):
    for number in range(MAX_SESSIONS):
        await sessions.add(phone(f"t{number}"))
    for number in range(MAX_SESSIONS):
        await redis.call("ZINCRBY", key("session_since"), 7200 * 10**6, field(f"t{number}"))
    await sessions.add(phone("first after"))
    await sessions.add(phone("second after"))
    assert (await tokens(sessions))[-2:] == ["first after", "second after"]


async def test_what_has_ended_makes_room(sessions, redis):
    for number in range(MAX_SESSIONS):
        await sessions.add(phone(f"t{number}"))
    await age(redis, "t30", HOUR_MS + 1)
    await sessions.add(phone("one more"))
    found = await tokens(sessions)
    assert ("t0" in found, "t30" in found, len(found)) == (True, False, MAX_SESSIONS)


# -- whose a device is


@pytest.mark.parametrize("platform", ["ios", "android", "web"])
async def test_a_device_leaves_its_former_user(sessions, platform):
    for user in ("a", "b", "a", "b"):
        await sessions.add(phone("d", user, platform))
    await sessions.add(phone("other", "a", platform))
    assert await tokens(sessions, "a") == ["other"]
    assert await tokens(sessions, "b") == ["d"]


@pytest.mark.parametrize(("platform", "address"), [("email", "ada@example.com"), ("sms", "+905551234567")])
async def test_a_mailbox_or_a_number_may_be_of_several(sessions, platform, address):
    for user in ("a", "b"):
        await sessions.add(phone(address, user, platform))
    assert await tokens(sessions, "a") == await tokens(sessions, "b") == [address]


async def test_the_same_token_on_another_platform_is_another_device(sessions):
    await sessions.add(phone("d", "a", "ios"))
    await sessions.add(phone("d", "b", "android"))
    assert await tokens(sessions, "a") == await tokens(sessions, "b") == ["d"]


async def test_many_users_at_once_and_one_has_it(sessions):
    users = [f"u{number}" for number in range(20)]
    await asyncio.gather(*(sessions.add(phone("d", user)) for user in users))
    assert sum([len(await tokens(sessions, user)) for user in users]) == 1


async def test_a_device_comes_back_after_its_user_was_forgotten(sessions):
    await sessions.add(phone("d", "a"))
    await sessions.drop_all("a")
    await sessions.add(phone("d", "b"))
    assert await tokens(sessions, "b") == ["d"]


async def test_a_device_of_somebody_else_is_not_used(sessions, redis):
    """As two halves of a store would hold it, restored from different moments."""
    await sessions.add(phone("d", "a"))
    await redis.call("SET", f"{DELIVERIES}session_owner:{field('d')}", digest("b"), "PX", HOUR_MS)
    assert await tokens(sessions, "a") == []
    assert await redis.call("HLEN", key("sessions", "a")) == 0
    assert await redis.call("GET", f"{DELIVERIES}session_owner:{field('d')}") == digest("b").encode()


async def test_use_keeps_the_owner_as_long_as_the_address(sessions, redis):
    await sessions.add(phone("d"))
    owner = f"{DELIVERIES}session_owner:{field('d')}"
    await redis.call("PEXPIRE", owner, 1000)
    await sessions.of("7", "push")
    assert await redis.call("PTTL", owner) > HOUR_MS - 5000


# -- dropping


async def test_what_was_registered_again_is_not_dropped(sessions):
    await sessions.add(phone("a"))
    await sessions.add(phone("b"))
    found = await sessions.of("7")
    await sessions.add(phone("a"))
    assert await sessions.drop(found) == 1
    assert await tokens(sessions) == ["a"]
    assert await sessions.drop([]) == 0


async def test_what_is_used_meanwhile_is_still_the_same(sessions):
    await sessions.add(phone("a"))
    found = await sessions.of("7", "push")
    await sessions.of("7", "push")
    assert await sessions.drop(found) == 1


# -- what was stored by others


async def old(redis, *sessions, life=HOUR_MS // 2):
    """Stores as version 0.1.0 did: one hash, whose life is that of all."""
    for session in sessions:
        await redis.call(
            "HSET", key("sessions", session.user_id), field(session.address, session.platform), json.dumps(session)
        )
        await redis.call("PEXPIRE", key("sessions", session.user_id), life)


async def test_sessions_of_an_earlier_version(sessions, redis):
    first, second = phone("a"), phone("b")._replace(created_at="2020-01-02T00:00:00.000Z")
    await old(redis, second, first)
    found = await sessions.of("7")
    assert [one.session for one in found] == [first, second]
    assert found[0].at == 1577836800.0
    now = time.time() * 1000
    assert all(0 < end - now <= HOUR_MS // 2 for end in (await ends(redis)).values())
    await sessions.add(phone("c"))
    await age(redis, "a", HOUR_MS)
    assert await tokens(sessions) == ["b", "c"]
    assert await sessions.drop(found) == 1


async def test_an_old_device_leaves_its_former_user_too(sessions, redis):
    await old(redis, phone("d", "a"))
    await sessions.add(phone("d", "b"))
    assert await tokens(sessions, "a") == []
    assert await tokens(sessions, "b") == ["d"]


async def test_old_ones_go_first(sessions, redis):
    await old(redis, phone("old"))
    for number in range(MAX_SESSIONS):
        await sessions.add(phone(f"t{number}"))
    assert "old" not in await tokens(sessions)


@pytest.mark.parametrize("record", [b"{broken", b"[]", b'["7"]', b'["7","ios","a",{},"no time"]', b"\xff"])
async def test_what_is_no_session_spoils_only_itself(sessions, redis, record, caplog):
    await sessions.add(phone("a"))
    await redis.call("HSET", key("sessions"), "ios:x", record)
    assert await tokens(sessions) == await tokens(sessions) == ["a"]
    assert [line.message for line in caplog.records] == ["store.spoilt"]
