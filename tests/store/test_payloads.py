"""Payloads as they come out of Redis: what cannot be read counts as expired, and is removed."""

from notifier.store.payloads import Payloads
from tests.store.inboxes import item
from tests.support import eventually

USER = "1-alice"


async def gone(redis, key):
    async def look():
        return not await redis.call("EXISTS", key)

    await eventually(look, f"the end of {key}")


async def test_entries_of_a_script(store):
    good = item()
    rows = Payloads(store).entries(USER, [b"1-1", b"a", None, good.payload, b"2-1", b"b", b"read", None])
    assert [(row.stream_id, row.notification_id, row.read) for row in rows] == [
        (b"1-1", b"a", False),
        (b"2-1", b"b", True),
    ]
    assert rows[0].payload == good.payload and rows[1].payload is None


async def test_a_payload_of_another_program_counts_as_expired_and_goes(store, redis):
    await redis.call("SET", "notification:b", "nonsense", "EX", 60)
    rows = Payloads(store).entries(USER, [b"1-1", b"a", None, item().payload, b"2-1", b"b", None, b"nonsense"])
    assert [row.payload is None for row in rows] == [False, True]
    await gone(redis, "notification:b")
    assert store.spoilt.counts["payload"] == 1


async def test_the_fragment_of_a_fresh_entry(store, redis):
    payloads = Payloads(store)
    assert b'"message":"hello"' in payloads.fragment(USER, b"a", item().payload)
    assert payloads.fragment(USER, b"a", b"") is None
    await redis.call("SET", "notification:b", "[]", "EX", 60)
    assert payloads.fragment(USER, b"b", b"[]") is None
    await gone(redis, "notification:b")


async def test_the_list_of_what_was_cleared_without_what_is_no_pair(store):
    payloads = Payloads(store)
    whole = [b"1-1", b"a", b"2-1", b"b"]
    assert payloads.pairs(USER, whole) == whole and not store.spoilt.counts
    assert payloads.pairs(USER, [b"1-1", b"a", b"stray", b"2-1", b"b", b"3-1"]) == whole
    assert payloads.pairs(USER, [b"1-1", b'"quoted"', b"2-1", b"", b"3-1", b"x" * 129]) == []
    assert store.spoilt.counts["cleared"] == 2


async def test_while_the_store_is_away_nothing_is_removed_and_nothing_raised(store):
    await store.stop()
    assert Payloads(store).fragment(USER, b"b", b"nonsense") is None
    await store.start()
