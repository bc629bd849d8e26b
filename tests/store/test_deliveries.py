"""The scripts of deliveries: every event in every status, and what is kept beside the records."""

import asyncio
import uuid

import pytest

from notifier.domain.deliveries import Filter
from notifier.domain.status import Event, Status, after
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Finished, digest
from tests.delivery.consistency import check_consistent
from tests.store.leases import OWNER, TERMS, finish, happen, lease, new, now_ms, put_into, status_of, stored
from tests.support import eventually


@pytest.fixture
def deliveries(loop, redis, store):
    yield Deliveries(store)
    loop.run_until_complete(check_consistent(redis))


BY_OPERATORS = {Event.CANCEL, Event.REQUEUE, Event.DUE, Event.RECLAIM, Event.LEASE, Event.SENT}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("status", Status)
async def test_every_event_in_every_status(deliveries, redis, status, event):
    identity = await put_into(deliveries, status)
    await happen(deliveries, identity, event)
    expected = after(status, event) or status
    if event not in BY_OPERATORS and status is not Status.PROCESSING:
        expected = status  # only who holds the lease may say so
    assert await status_of(deliveries, identity) is expected
    await check_consistent(redis)


async def test_who_lost_his_lease_says_nothing_but_that_it_was_sent(deliveries):
    first, second = await stored(deliveries, new(), new())
    await lease(deliveries)
    for event in (Event.RETRY, Event.FAIL, Event.DEFER, Event.EXPIRE):
        assert await finish(deliveries, first, event, owner="pod-b") is None
    assert await finish(deliveries, second, Event.SENT, owner="pod-b", provider="p", provider_id="7") is Status.SENT
    assert await finish(deliveries, second, Event.RETRY) is None
    assert (await deliveries.get(second)).provider_message_id == "7"


async def test_a_lease_that_ran_out_says_nothing_of_the_next_one_of_the_same_owner(deliveries):
    (identity,) = await stored(deliveries, new())
    (late,) = (await lease(deliveries)).leased
    await deliveries.reclaim("sms", OWNER, 0, 10)
    (again,) = (await lease(deliveries)).leased
    assert (again.id, again.takeovers) == (late.id, 1)
    assert await deliveries.renew(OWNER, [(identity, late.lease)]) == 0
    for event in (Event.RETRY, Event.FAIL, Event.DEFER, Event.EXPIRE):
        assert await finish(deliveries, identity, event, lease=late.lease) is None
    assert await status_of(deliveries, identity) is Status.PROCESSING
    assert await deliveries.renew(OWNER, [(identity, again.lease)]) == 1
    assert await finish(deliveries, identity, Event.RETRY, lease=again.lease, wait=60.0) is Status.RETRYING


# -- order


async def test_high_first_and_one_in_four_is_low(deliveries):
    kinds = {
        one: p
        for p in ("low", "normal", "high")
        for one in await stored(deliveries, *(new(priority=p) for _ in range(12)))
    }
    order = [kinds[(await lease(deliveries, 1)).leased[0].id] for _ in range(36)]
    assert order[:12] == ["high"] * 12
    assert order[12:28] == ["normal", "normal", "normal", "low"] * 4
    assert order[28:] == ["low"] * 8
    assert (await lease(deliveries, 1)).leased == []


async def test_a_low_one_is_not_starved_by_many_normal_ones(deliveries):
    await stored(deliveries, *(new() for _ in range(40)), new(priority="low"))
    first = [one.priority for one in (await lease(deliveries, 8)).leased]
    assert first.count("low") == 1


# -- limits


async def test_the_channels_limit_is_exact_over_pods(deliveries):
    await stored(deliveries, *(new() for _ in range(40)))
    terms = TERMS._replace(per_second=10)
    taken = await asyncio.gather(*(lease(deliveries, 8, terms=terms, owner=f"pod-{i}") for i in range(5)))
    assert sum(len(one.leased) for one in taken) in (10, 11)  # a second's worth at once, and what came free meanwhile
    assert 0 < taken[-1].wait <= 0.11


async def test_a_users_limit_defers(deliveries):
    ids = await stored(deliveries, *(new(limited_by="u") for _ in range(5)), new(limited_by="v"))
    got = await lease(deliveries, terms=TERMS._replace(per_user=3))
    assert {one.id for one in got.leased} == {*ids[:3], ids[5]}
    assert [(change.id, change.status) for change in got.aside] == [(one, Status.SCHEDULED) for one in ids[3:5]]
    assert await deliveries.user_rate("u") == (3, pytest.approx(60, abs=1))
    assert (await deliveries.get(ids[3])).retry_count == 0


async def test_a_users_limit_drops(deliveries):
    ids = await stored(deliveries, *(new(limited_by="u") for _ in range(2)))
    got = await lease(deliveries, terms=TERMS._replace(per_user=1, policy="drop"))
    assert [(change.id, change.status) for change in got.aside] == [(ids[1], Status.FAILED)]
    assert await deliveries.dead_reasons() == [("rate_limited", "sms", 1)]


async def test_a_retry_is_not_counted_by_the_users_limit_again(deliveries):
    (identity,) = await stored(deliveries, new(limited_by="u"))
    terms = TERMS._replace(per_user=1)
    await lease(deliveries, terms=terms)
    await finish(deliveries, identity, Event.RETRY, wait=0.0)
    await deliveries.move_due(10)
    assert [one.id for one in (await lease(deliveries, terms=terms)).leased] == [identity]


async def test_a_paused_channel(deliveries):
    await stored(deliveries, new())
    await deliveries.pause("sms", True)
    got = await lease(deliveries)
    assert (got.leased, got.wait) == ([], None)
    assert (await deliveries.queues()).channels[0].paused
    await deliveries.pause("sms", False)
    assert len((await lease(deliveries)).leased) == 1


# -- time


async def test_what_has_expired_is_not_leased(deliveries):
    (identity,) = await stored(deliveries, new(expires=now_ms() - 1))
    got = await lease(deliveries)
    assert (got.leased, [change.status for change in got.aside]) == ([], [Status.EXPIRED])
    assert await status_of(deliveries, identity) is Status.EXPIRED


async def test_schedule_and_retry_come_when_they_are_due(deliveries):
    soon, later = await stored(deliveries, new(scheduled=now_ms() + 30), new(scheduled=now_ms() + 3_600_000))
    assert await deliveries.move_due(10) == ([], [])

    async def moved():
        return (await deliveries.move_due(10))[0]

    assert [(change.id, change.status) for change in await eventually(moved)] == [(soon, Status.QUEUED)]
    assert await status_of(deliveries, later) is Status.SCHEDULED


async def test_a_retry_that_would_come_too_late_expires_in_time(deliveries):
    (identity,) = await stored(deliveries, new(expires=now_ms() + 60))
    await lease(deliveries)
    await finish(deliveries, identity, Event.RETRY, wait=3600.0)

    async def moved():
        return (await deliveries.move_due(10))[0]

    assert [change.status for change in await eventually(moved)] == [Status.EXPIRED]


# -- leases


async def test_a_lease_that_is_over_is_taken_back_and_given_up_after_five_times(deliveries):
    (identity,) = await stored(deliveries, new())
    for turn in range(6):
        assert [one.takeovers for one in (await lease(deliveries)).leased] == [turn]
        assert await deliveries.reclaim("sms", OWNER, 60, 10) == []
        (change,) = await deliveries.reclaim("sms", "pod-b", 0, 10)
        assert change.status is (Status.QUEUED if turn < 5 else Status.FAILED)
    assert await deliveries.dead_reasons() == [("lease_lost", "sms", 1)]
    assert await status_of(deliveries, identity) is Status.FAILED


async def test_a_lease_that_is_renewed_is_not_taken_back(deliveries):
    (identity,) = await stored(deliveries, new())
    (leased,) = (await lease(deliveries)).leased
    await asyncio.sleep(0.06)
    assert await deliveries.renew(OWNER, [(identity, leased.lease)]) == 1
    assert await deliveries.renew("pod-b", [(identity, leased.lease)]) == 0
    assert await deliveries.reclaim("sms", "pod-b", 0.05, 10) == []


# -- idempotency


async def test_the_same_id_and_the_same_key_are_stored_once(deliveries):
    item = new(key="k", fingerprint="f")
    other = new(key="k", fingerprint="f")
    found = await deliveries.create([item, item, other, new(key="k", fingerprint="g")], 60_000)
    assert [(one.outcome, one.id) for one in found] == [
        ("stored", item.id),
        ("known", item.id),
        ("known", item.id),
        ("mismatch", ""),
    ]
    assert (await deliveries.search(Filter(), 0, 10)).total == 1
    assert (await deliveries.known(item)).id == item.id


# -- lists, dead letters, retention


async def test_filters_combine(deliveries):
    mine = new("email", user=digest("u"), recipient=digest("a@b.example"), created=1000)
    await stored(deliveries, mine, new("email", created=2000), new("sms", user=digest("u"), created=3000))
    await deliveries.change(Event.CANCEL, [mine.id])

    async def total(**wanted):
        return (await deliveries.search(Filter(**wanted), 0, 10)).total

    assert await total() == 3
    assert await total(channel="email") == 2
    assert await total(status="queued") == 2
    assert await total(status="queued", channel="email") == 1
    assert await total(user="u") == 2
    assert await total(user="u", channel="email") == 1
    assert await total(user="u", status="cancelled", channel="email", recipient="a@b.example") == 1
    assert await total(user="u", status="queued", recipient="a@b.example") == 0
    assert await total(user="u", start=1001) == 1
    assert await total(start=1000, end=2000) == 2
    assert await total(user="nobody", status="queued") == 0


async def test_pages_are_newest_first(deliveries):
    ids = await stored(deliveries, *(new(created=n) for n in range(1, 8)))
    found = await deliveries.search(Filter(), 2, 3)
    assert (found.total, found.exact) == (7, True)
    assert [one.document for one in found.records] == [
        b'{"id":"%b"}' % one.encode() for one in (ids[4], ids[3], ids[2])
    ]


async def test_combined_filters_are_walked_in_parts(deliveries, monkeypatch):
    """Whatever the size of a part, and however many have the same time, the pages hold each one once."""
    items = [
        new(("sms", "email")[n % 3 == 0], user=digest("u" if n % 2 else "v"), created=1000 + n // 10)
        for n in range(120)
    ]
    await stored(deliveries, *items)
    mine = [(one.created, one.id) for n, one in enumerate(items) if n % 2 and n % 3]
    expected = [f'{{"id":"{one}"}}'.encode() for _, one in sorted(mine, reverse=True)]
    monkeypatch.setattr("notifier.store.deliveries.WALK_PART", 7)
    wanted = Filter(user="u", channel="sms")
    for limit in (1, 3, 40):
        found = [await deliveries.search(wanted, start, limit) for start in range(0, 45, limit)]
        assert [record.document for page in found for record in page.records] == expected
        assert {(page.total, page.exact) for page in found} == {(40, True)}
    within = await deliveries.search(wanted._replace(start=1002, end=1004), 0, 100)
    assert [one.document for one in within.records] == [
        f'{{"id":"{one}"}}'.encode() for created, one in sorted(mine, reverse=True) if 1002 <= created <= 1004
    ]


async def test_what_is_too_much_to_count_is_said_so(deliveries, monkeypatch):
    monkeypatch.setattr("notifier.store.deliveries.WALK_PART", 5)
    monkeypatch.setattr("notifier.store.deliveries.WALK_MOST", 10)
    await stored(deliveries, *(new(user=digest("u"), created=n) for n in range(1, 41)))
    wanted = Filter(user="u", channel="sms")
    first = await deliveries.search(wanted, 0, 3)
    assert (first.total, first.exact, len(first.records)) == (10, False, 3)
    later = await deliveries.search(wanted, 18, 4)  # goes on until the page is full and there is known to be another
    assert (later.total, later.exact, len(later.records)) == (25, False, 4)
    last = await deliveries.search(wanted, 38, 4)
    assert (last.total, last.exact, len(last.records)) == (40, True, 2)


async def test_a_list_goes_on_where_it_was_though_that_one_is_gone(deliveries, redis, monkeypatch):
    """Between two parts the last one looked at leaves the index that is walked, and newer ones come."""
    ids = sorted(await stored(deliveries, *(new(user=digest("u"), created=5) for _ in range(12))), reverse=True)
    await stored(deliveries, *(new(user=digest("v"), created=5) for _ in range(3)))
    monkeypatch.setattr("notifier.store.deliveries.WALK_PART", 4)
    run = deliveries._run

    async def meanwhile(name, *args):
        reply = await run(name, *args)
        if name == "walk" and reply[1]:
            await deliveries.change(Event.CANCEL, [reply[1].decode()])
            await stored(deliveries, new(user=digest("u"), created=9))
        return reply

    monkeypatch.setattr(deliveries, "_run", meanwhile)
    found = await deliveries.search(Filter(user="u", status=Status.QUEUED), 0, 100)
    assert [record.document for record in found.records] == [f'{{"id":"{one}"}}'.encode() for one in ids]


async def test_no_script_of_a_list_holds_the_server_up(deliveries, redis):
    """A part looks at so many at most, whatever the list is asked for."""
    await stored(deliveries, *(new(user=digest("u"), created=n) for n in range(1, 1201)))
    args = ("-inf", "+inf", "", "", 0, 100, 600, f"user:{digest('u')}", "channel:email")
    assert (await deliveries._run("walk", *args))[2:] == [0, 0]  # nothing in the other: nothing is looked at
    created, _, looked, matches, *ids = await deliveries._run("walk", *args[:-1], "channel:sms")
    assert (created, looked, matches, len(ids)) == (b"601", 600, 600, 100)


async def test_what_is_forgotten_leaves_nothing(deliveries, redis):
    ids = await stored(
        deliveries, *(new(user=digest("u"), batch="b") for _ in range(3)), new(scheduled=now_ms() + 60_000)
    )
    await lease(deliveries)
    await finish(deliveries, ids[0], Event.SENT)
    await finish(deliveries, ids[1], Event.FAIL, reason="x")
    await finish(deliveries, ids[2], Event.EXPIRE)
    await deliveries.bury([("11111111-1111-4111-8111-111111111111", b"{}", "malformed", "no JSON")], now_ms())
    assert await deliveries.forget(now_ms() - 60_000) == 0
    assert await deliveries.forget(now_ms() + 1) == 4
    assert (await deliveries.search(Filter(), 0, 10)).total == 1
    assert await deliveries.dead_letters(0, 10) == []
    names = {name.decode().removeprefix("notif:{delivery}:") for name in await redis.call("KEYS", "*")}
    assert {name for name in names if not name.startswith(("queue:", "turns"))} == {
        "schedule",
        "index:all",
        "index:channel:sms",
        "index:status:scheduled",
        "index:status:scheduled:sms",
        f"index:recipient:{digest('+1')}",
        f"record:{ids[3]}",
    }


async def test_dead_letters(deliveries):
    ids = await stored(deliveries, *(new() for _ in range(3)))
    await lease(deliveries)
    for one in ids[:2]:
        await finish(deliveries, one, Event.FAIL, reason="rejected", error="rejected: no", attempts=b'{"a":1}')
    found = await deliveries.dead_letters(0, 10)
    assert {(one.reason, one.error, one.channel, one.attempts) for one in found} == {
        ("rejected", "rejected: no", "sms", 1)
    }
    assert await deliveries.drop(ids[0])
    assert not await deliveries.drop(ids[0])
    ((change, before),) = await deliveries.change(Event.REQUEUE, [ids[1]])
    assert (change.status, before) == (Status.QUEUED, Status.FAILED)
    assert await deliveries.dead_reasons() == []


async def test_what_never_was_a_delivery_cannot_be_requeued(deliveries):
    identity = str(uuid.uuid4())
    assert await deliveries.bury([(identity, b"{}", "malformed", "x")] * 2, now_ms()) == 1
    assert await deliveries.change(Event.REQUEUE, [identity]) == [(None, Status.FAILED)]
    assert await deliveries.drop(identity)


async def test_many_changes_in_one_script(deliveries):
    """More than fit into one command, in several statuses and batches; the fixture recomputes every index."""
    items = [new(priority=("high", "normal", "low")[n % 3], batch=f"b{n % 2}") for n in range(1500)]
    ids = await stored(deliveries, *items)
    leased = (await lease(deliveries, 1500)).leased
    assert {one.id for one in leased} == set(ids)
    events = (Event.SENT, Event.RETRY, Event.FAIL, Event.DEFER)
    results = [Finished(one.id, OWNER, one.lease, events[n % 4], 60.0, reason="r") for n, one in enumerate(leased)]
    results.append(results[0])  # handed in twice
    found = await deliveries.finish(results)
    assert found == [after(Status.PROCESSING, events[n % 4]) for n in range(1500)] + [None]
    assert (await deliveries.search(Filter(status=Status.SENT, channel="sms"), 0, 10)).total == 375


async def held_by(deliveries, identity):
    record = await deliveries.get(identity)
    return record.held_by, record.held_since


async def held(deliveries, channel="sms"):
    (row,) = [queue for queue in (await deliveries.queues()).channels if queue.channel == channel]
    return row.held["circuit_open"], row.held["rate_limited"]


async def test_what_holds_a_delivery_back_holds_it_until_it_is_tried(deliveries):
    """Through each turn in the queue that ends untried, since the first: a queue behind a circuit is one wait."""
    (identity,) = await stored(deliveries, new())
    await lease(deliveries)
    await finish(deliveries, identity, Event.DEFER, wait=0.0, reason="circuit_open")
    why, since = await held_by(deliveries, identity)
    assert why == "circuit_open" and since and await held(deliveries) == (1, 0)
    await deliveries.move_due(10)
    await lease(deliveries)
    assert await held_by(deliveries, identity) == (why, since) and await held(deliveries) == (1, 0)
    await finish(deliveries, identity, Event.DEFER, wait=0.0, reason="circuit_open")
    assert await held_by(deliveries, identity) == (why, since)
    await deliveries.move_due(10)
    await lease(deliveries)
    await finish(deliveries, identity, Event.RETRY, wait=0.0, reason="x")
    assert await held_by(deliveries, identity) == (None, None) and await held(deliveries) == (0, 0)


@pytest.mark.parametrize("end", ["cancel", "sent", "fail", "expire", "its turn alone"])
async def test_nothing_is_held_after_its_end(deliveries, end):
    (identity,) = await stored(deliveries, new())
    await lease(deliveries)
    await finish(deliveries, identity, Event.DEFER, wait=0.0, reason="circuit_open")
    if end == "cancel":
        await deliveries.change(Event.CANCEL, [identity])
    else:
        await deliveries.move_due(10)
        await lease(deliveries)
        event = {"its turn alone": Event.DEFER}.get(end) or Event(end)
        await finish(deliveries, identity, event, wait=0.0)
    assert await held(deliveries) == (0, 0) and (await held_by(deliveries, identity))[0] is None


async def test_a_users_limit_holds(deliveries):
    (identity, other) = await stored(deliveries, new(limited_by="u"), new(limited_by="u"))
    assert len((await lease(deliveries, terms=TERMS._replace(per_user=1))).leased) == 1
    assert {(await held_by(deliveries, one))[0] for one in (identity, other)} == {None, "rate_limited"}
    assert await held(deliveries) == (0, 1)


async def test_queues_count_by_status_and_recent_dead_letters(deliveries, redis):
    later = now_ms() + 3_600_000
    identity, *_ = await stored(deliveries, new(), new(scheduled=later), new(scheduled=later))
    await lease(deliveries)
    await finish(deliveries, identity, Event.FAIL, reason="x")
    found = await deliveries.queues()
    assert (found.channels[0].scheduled, found.channels[0].retrying) == (2, 0)
    assert (found.dead, found.dead_recent) == (1, 1)
    await redis.call("ZADD", "notif:{delivery}:dlq", now_ms() - 700_000, identity)
    found = await deliveries.queues()
    assert (found.dead, found.dead_recent) == (1, 0)
