"""The secret by which links are signed, in the store."""

import asyncio

from notifier.store.link_secret import SIZE, LinkSecret


async def test_it_is_made_once(store, redis):
    made = await asyncio.gather(*(LinkSecret(store).read() for _ in range(5)))
    assert len(set(made)) == 1 and len(made[0]) == SIZE and len(set(made[0])) > 8
    assert await LinkSecret(store).read() == made[0]
    assert await redis.call("PTTL", "notif:link_secret") == -1


async def test_a_damaged_one_is_none(store, redis):
    for damaged in (b"", b"short"):
        await redis.call("SET", "notif:link_secret", damaged)
        assert len(await LinkSecret(store).read()) == SIZE
    await redis.call("DEL", "notif:link_secret")
    await redis.call("RPUSH", "notif:link_secret", "x")
    assert len(await LinkSecret(store).read()) == SIZE
