"""Inboxes as connections and users see them: attached, read on, paged, marked read, let go."""

import asyncio

import pytest

from notifier.store import inbox_values
from notifier.store.inbox_values import Wanted
from tests.store.inboxes import LOCK_TTL, OTHER, OWN, inbox_of, item, put
from tests.support import expire_payloads

USER = "1-alice"
LOCK = "notif:lock:consumer:1-alice"


@pytest.fixture
def inbox(store, redis):
    return inbox_of(store)


async def attach(inbox, holder=OWN):
    return await inbox.attach(holder, USER, LOCK_TTL, lambda snapshot: None)


async def marked(inbox, pairs, holder=OWN):
    """The codes of a mark of reading, and the user's other pods."""
    done = asyncio.get_running_loop().create_future()
    inbox.read(holder, USER, pairs, lambda codes, others: done.set_result((codes, others)))
    return await done


async def read_on(inbox, *wanted, holder=OWN):
    done = asyncio.get_running_loop().create_future()
    inbox.read_on(holder, wanted, LOCK_TTL, lambda which, rows: done.set_result(rows))
    return await done


async def test_a_connection_s_first_look(inbox, redis):
    items = [item(message=f"{number}") for number in range(3)]
    ids = await put(inbox, *items)
    await redis.call("HSET", "notification_state:1-alice", items[0].notification_id, "read")
    taken_in = []
    snapshot = await inbox.attach(OWN, USER, LOCK_TTL, taken_in.append)
    assert taken_in == [snapshot]
    assert (snapshot.total, snapshot.pending, snapshot.last_id.decode()) == (3, 2, ids[-1])
    assert [entry.stream_id.decode() for entry in snapshot.entries] == ids[::-1]
    assert [entry.read for entry in snapshot.entries] == [False, False, True]
    assert await redis.call("GET", LOCK) == b"pod-a"
    assert 0 < await redis.call("PTTL", LOCK) <= LOCK_TTL * 1000


async def test_the_newest_hundred_are_shown_first(inbox, monkeypatch):
    await put(inbox, *(item() for _ in range(4)))
    monkeypatch.setattr("notifier.store.inbox.HISTORY", 3)
    assert inbox_values.HISTORY == 100
    snapshot = await attach(inbox)
    assert (len(snapshot.entries), snapshot.total) == (3, 4)


async def test_the_lock_is_the_first_comer_s_and_goes_with_them(inbox, redis):
    assert (await attach(inbox)).arrivals.owner == b"pod-a"
    second = await attach(inbox, OTHER)
    assert (second.arrivals.owner, second.arrivals.others) == (b"pod-a", [b"pod-a"])
    assert await inbox.renew(OTHER, [USER], LOCK_TTL) == {USER: "pod-a"}
    assert await inbox.detach(OWN, USER) == ["pod-b"]
    assert not await redis.call("EXISTS", LOCK)
    assert await inbox.renew(OTHER, [USER], LOCK_TTL) == {USER: "pod-b"}
    assert await inbox.detach(OTHER, USER) == []


async def test_what_is_new_goes_to_the_lock_s_holder_alone(inbox):
    await attach(inbox)
    await put(inbox, one := item(), holder=OTHER)
    rows = []
    inbox.arrivals(OTHER, [USER], lambda users, found: rows.extend(found))
    inbox.arrivals(OWN, [USER], lambda users, found: rows.extend(found))
    await inbox.page(USER, 1, None, None)
    theirs, ours = rows
    assert theirs.fresh in ([], None) or not theirs.fresh
    assert ours.fresh[1:] == [one.notification_id.encode(), one.payload]


async def test_reading_on_after_an_id(inbox):
    ids = await put(inbox, *(item() for _ in range(3)))
    (found,) = await read_on(inbox, Wanted(USER, ids[0], ""))
    assert (found.owner, found.last_id.decode(), found.more) == (b"pod-a", ids[-1], False)
    assert [entry.stream_id.decode() for entry in found.entries] == ids[1:]


async def test_a_dead_pod_s_lock_is_taken_over_and_a_living_one_s_is_not(inbox, redis):
    await attach(inbox, OTHER)
    (found,) = await read_on(inbox, Wanted(USER, "0-0", ""))
    assert found.owner == b"pod-b"
    (found,) = await read_on(inbox, Wanted(USER, "0-0", "pod-b"))
    assert found.owner == b"pod-a" and await redis.call("GET", LOCK) == b"pod-a"


async def test_marks_of_reading(inbox, redis):
    items = [item(), item()]
    ids = await put(inbox, *items)
    pairs = [(stream_id, one.notification_id) for stream_id, one in zip(ids, items, strict=True)]
    assert await marked(inbox, pairs[:1]) == ([1], [])
    assert await marked(inbox, [*pairs, ("1-1", items[0].notification_id)]) == ([0, 1, -1], [])
    assert await redis.call("HLEN", "notification_state:1-alice") == 2


async def test_all_up_to_an_entry_are_marked_read(inbox):
    items = [item() for _ in range(3)]
    ids = await put(inbox, *items)
    await attach(inbox, OTHER)
    (found,) = [part async for part in inbox.read_all(OWN, USER, ids[1])]
    assert [value.decode() for value in found.entries[0::2]] == ids[:2] and found.others == [b"pod-b"]
    (again,) = [part async for part in inbox.read_all(OWN, USER, ids[1])]
    assert again.entries == []


async def test_pages(inbox):
    ids = await put(inbox, *(item() for _ in range(5)))

    async def page(limit, before=None, after=None):
        return [row.stream_id.decode() for row in await inbox.page(USER, limit, before, after)]

    assert await page(2) == ids[3:]
    assert await page(2, before=ids[3]) == ids[1:3]
    assert await page(2, after=ids[0]) == ids[1:3]
    assert await page(9, before=ids[4], after=ids[0]) == ids[1:4]


async def test_what_expired_unread_is_told_by_the_lock_s_holder_once(inbox, redis):
    (stream_id,) = await put(inbox, one := item())
    await attach(inbox)
    await expire_payloads(redis)
    await inbox.upkeep.expire(USER, 60.0)
    assert (await inbox.pop_cleared(OTHER, USER)).entries == []
    gone = await inbox.pop_cleared(OWN, USER)
    assert [value.decode() for value in gone.entries] == [stream_id, one.notification_id]
    assert (await inbox.pop_cleared(OWN, USER)).entries == []


async def test_the_list_of_what_was_cleared_grows_while_it_is_told(inbox, redis):
    await redis.call("RPUSH", "notif:cleared:1-alice", "1-1", "a", "2-1", "b")
    await inbox.told_cleared(USER, 2)
    assert await redis.call("LRANGE", "notif:cleared:1-alice", 0, -1) == [b"2-1", b"b"]
    await redis.call("PEXPIRE", "notif:cleared:1-alice", 1000)
