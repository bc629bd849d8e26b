"""Pages over users and inboxes, read from the indexes."""

import pytest

from notifier.domain.users import User
from notifier.store.reports import Count, Pending, Reports, UserFacts
from tests.store.inboxes import ALICE, BOB, OWN, inbox_of, item, put

USERS = [User(1, "alice"), User(2, "bob"), User(10, "alan"), User(11, "zoé")]


@pytest.fixture
def reports(store, redis):
    return Reports(store)


@pytest.fixture
async def inbox(store, redis):
    """Four users with a notification each."""
    inbox = inbox_of(store)
    await put(inbox, *map(item, USERS))
    return inbox


async def test_users_page_by_page_in_the_order_of_their_keys(reports, inbox):
    first = await reports.users("", "", 3)
    assert first == (["1-alice", "10-alan", "11-zoé"], 4, "11-zoé")
    assert await reports.users("", first.cursor, 3) == (["2-bob"], 4, None)


async def test_users_by_the_beginning_of_their_key_or_login(reports, inbox):
    assert (await reports.users("1", "", 9)).keys == ["1-alice", "10-alan", "11-zoé"]
    assert (await reports.users("1-", "", 9)).keys == ["1-alice"]
    assert await reports.users("al", "", 1) == (["10-alan"], 2, "10-alan")
    assert await reports.users("al", "10-alan", 1) == (["1-alice"], 2, None)
    assert (await reports.users("nobody", "", 9)).keys == []


async def test_members_that_are_no_users_go_from_the_index(reports, inbox, redis, store):
    await redis.call("ZADD", "notif:users", 0, "no user", 0, b"\xff")
    assert (await reports.users("", "", 9)).keys == ["1-alice", "10-alan", "11-zoé", "2-bob"]
    assert await reports.counts(["1-alice"]) == [Count(1, 1)]
    assert await redis.call("ZCARD", "notif:users") == 4 and store.spoilt.counts["index"]


async def test_what_an_inbox_holds_and_who_looks_after_it(reports, inbox, redis):
    one = item()
    await put(inbox, one)
    await redis.call("HSET", "notification_state:1-alice", one.notification_id, "read")
    await inbox.set_retention("1-alice", 7)
    await inbox.attach(OWN, "1-alice", 30.0, lambda snapshot: None)
    assert await reports.user("1-alice") == UserFacts(Count(2, 1), "pod-a", 7, True)
    assert await reports.user("9-nobody") == UserFacts(Count(0, 0), None, None, False)


async def test_unread_ones_in_all_and_by_user(reports, inbox, redis):
    await put(inbox, item(ALICE))
    assert await reports.pending_totals() == Pending(5, 4, 4)
    assert await reports.pending_users("1-alice", 2) == ["10-alan", "11-zoé"]
    assert len(await reports.unread("1-alice", "", 10)) == 2
    first, second = await reports.unread("1-alice", "", 10)
    assert await reports.unread("1-alice", first.stream_id.decode(), 10) == [second]
    assert [entry.stream_id for entry in await reports.history("1-alice", 1)] == [second.stream_id.decode()]


async def test_the_indexes_are_brought_up_to_date_before_they_are_read(reports, inbox):
    asked = []
    reports.before = lambda: asked.append(1)
    await reports.pending_users("", 9)
    await reports.users("", "", 9)
    assert len(asked) >= 2


async def test_work_of_the_sweeps(reports, inbox, redis):
    now = int((await redis.call("TIME"))[0]) * 1000
    assert await reports.due(now, 10) == []
    assert sorted(await reports.due(now + 120_000, 10)) == sorted(user.key for user in USERS)
    await put(inbox, *(item(BOB) for _ in range(11)))
    await inbox.set_retention("1-alice", 7)
    assert await reports.overfull(10) == ["2-bob"]
    assert await reports.retention_changed(10) == ["1-alice"]


async def test_a_sweep_is_one_pod_s_for_its_interval(reports, redis):
    assert await reports.begin_sweep("janitor", "pod-a", 60.0)
    assert not await reports.begin_sweep("janitor", "pod-b", 60.0)
    assert await reports.begin_sweep("trimmer", "pod-b", 60.0)
    assert await redis.call("GET", "notif:sweep:janitor") == b"pod-a"
    assert 0 < await redis.call("PTTL", "notif:sweep:janitor") <= 60_000


async def test_what_is_snoozed_is_asked_for_without_ado(reports):
    asked = []
    reports.before = lambda: asked.append(1)
    assert await reports.snoozed_due(9_999, 9) == [] and await reports.snoozed() == 0
    assert asked == []
