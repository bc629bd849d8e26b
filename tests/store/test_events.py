"""The stream of all pods' events: followed by the others, gone a minute after the last, free of foreign entries."""

import asyncio

from notifier.store.events import LIFE, MAXLEN, EventLog

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
