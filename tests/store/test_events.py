"""The stream of all pods' events: followed by the others, gone a minute after the last, free of foreign entries."""

import asyncio

from notifier.store.events import LIFE, MAXLEN, PAST_LIFE, EventLog

KEY = "notif:events"


async def following(log, redis):
    """A follower that has begun to read."""
    follower = log.follow()
    first = asyncio.ensure_future(anext(follower))
    while not any(b"cmd=xread" in line.lower() for line in (await redis.call("CLIENT", "LIST")).split(b"\n")):
        await asyncio.sleep(0)
    return follower, first


async def test_a_pod_follows_the_others_and_not_itself(store, redis):
    one, two = EventLog(store, "pod-a"), EventLog(store, "pod-b")
    follower, first = await following(one, redis)
    await one.publish([b'{"type":"own"}'])
    await two.publish([b'{"type":"a"}', b'{"type":"b"}'])
    assert await first == [b'{"type":"a"}', b'{"type":"b"}']
    await follower.aclose()


async def test_entries_have_a_life_and_an_end(store, redis):
    log = EventLog(store, "pod-a")
    await log.publish([b'{"type":"a"}'])
    assert 0 < await redis.call("PTTL", KEY) <= LIFE * 1000
    await redis.call("EVAL", "for i = 1, 2500 do redis.call('XADD', KEYS[1], '*', 'a', 'b') end", 1, KEY)
    await log.publish([b'{"type":"b"}'])
    assert await redis.call("XLEN", KEY) <= MAXLEN + 100  # trimmed by whole nodes


async def test_what_another_program_wrote_is_left_out_and_named(store, redis):
    log = EventLog(store, "pod-a")
    follower, first = await following(log, redis)
    for foreign in (("x", "y"), ("pod", "z", "events", b"\xc1"), ("pod", "z", "events", b"\x91\xc4\x02{}")):
        await redis.call("XADD", KEY, "*", *foreign)
    assert [await first, await anext(follower), await anext(follower)] == [[], [], []]
    assert store.spoilt.counts["events"] == 3
    await redis.call("PEXPIRE", KEY, 1000)
    await follower.aclose()


PAST = "notif:past"


def event(number):
    return b'{"type":"x","time":"2026-01-01T00:00:%02dZ"}' % number


async def test_notable_events_are_kept_for_a_day_in_the_order_of_their_times(store, redis):
    one, two = EventLog(store, "pod-a"), EventLog(store, "pod-b")
    await one.remember([event(1), event(5)])
    await two.remember([event(3)])  # it happened before, and was stored later
    assert await one.past("", 10) == [event(1), event(3), event(5)]
    assert await two.past("2026-01-01T00:00:03Z", 10) == [event(5)]
    assert 24 * 3600 * 1000 < await redis.call("PTTL", PAST) <= PAST_LIFE * 1000


async def test_the_newest_notable_events_are_kept(store, redis):
    log = EventLog(store, "pod-a")
    await redis.call("EVAL", "for i = 1, 2500 do redis.call('XADD', KEYS[1], '*', 'a', 'b') end", 1, PAST)
    await log.remember([event(7)])
    assert await redis.call("XLEN", PAST) <= MAXLEN + 100
    assert await log.past("", 10) == [event(7)]
    assert store.spoilt.counts["events"] == 9  # what else stands there is no event
