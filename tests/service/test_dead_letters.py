"""Dead letters by the page, and many at once: exactly those that were counted."""

import time

import pytest

from notifier.domain.ids import random_id
from notifier.domain.status import Event, Status
from notifier.errors import ErrorCode
from notifier.service.dead_letters import DeadLetterService, Wanted
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Refused
from tests.delivery.consistency import check_consistent
from tests.store.leases import finish, lease, new, now_ms, status_of, stored
from tests.support import code_of


@pytest.fixture
def deliveries(loop, redis, store):
    yield Deliveries(store)
    loop.run_until_complete(check_consistent(redis))


@pytest.fixture
def service(deliveries, store):
    told = []
    service = DeadLetterService(deliveries, told.extend, store.clock.now)
    service.told = told
    return service


async def dead(deliveries, channel="sms", reason="permanent"):
    (identity,) = await stored(deliveries, new(channel))
    await lease(deliveries, channel=channel)
    await finish(deliveries, identity, Event.FAIL, reason=reason)
    return identity


async def next_millisecond():
    """Redis' clock, by which letters are dated, has moved on."""
    begun = now_ms()
    while now_ms() <= begun + 1:
        time.sleep(0.0002)


PERMANENT = Wanted("permanent", "sms")


async def test_many_are_requeued_by_reason_and_channel(service, deliveries):
    wanted = [await dead(deliveries), await dead(deliveries)]
    await dead(deliveries, reason="exhausted")
    await dead(deliveries, channel="email")
    await deliveries.bury([Refused(random_id(), b"{}", "permanent", "x")], now_ms())
    assert (await service.requeue_many(PERMANENT, dry_run=True)).number == 2 and not service.told
    assert (await service.requeue_many(PERMANENT, dry_run=False)).number == 2
    assert sorted(change.id for change in service.told) == sorted(wanted)
    assert (await service.requeue_many(Wanted(), dry_run=True)).number == 2  # what never was a delivery cannot be


@pytest.mark.parametrize("many", ["requeue_many", "drop_many"])
async def test_letters_that_come_after_the_count_are_left(service, deliveries, many):
    counted = await dead(deliveries)
    number, before = await getattr(service, many)(PERMANENT, dry_run=True)
    await next_millisecond()
    later = await dead(deliveries)
    done = await getattr(service, many)(PERMANENT._replace(before=before, expected=number), dry_run=False)
    assert (number, done.number) == (1, 1)
    assert [one.id for one in (await service.page("", "", 0, 9)).entries] == [later]
    assert await status_of(deliveries, counted) is (Status.QUEUED if many == "requeue_many" else Status.FAILED)


async def test_nothing_is_done_where_there_are_not_as_many_as_expected(service, deliveries):
    await dead(deliveries)
    await dead(deliveries)
    assert await code_of(service.requeue_many(Wanted(expected=1), dry_run=False)) is ErrorCode.CONFLICT
    assert len((await service.page("", "", 0, 9)).entries) == 2 and not service.told


async def test_those_named_by_their_ids_alone(service, deliveries):
    letters = [await dead(deliveries) for _ in range(3)]
    assert (await service.drop_many(Wanted(ids=letters[:2]), dry_run=True)).number == 2
    assert (await service.drop_many(Wanted(ids=letters[:2], channel="email"), dry_run=False)).number == 0
    assert (await service.drop_many(Wanted(ids=[*letters[:2], random_id()]), dry_run=False)).number == 2
    assert [one.id for one in (await service.page("", "", 0, 9)).entries] == [letters[2]]


async def test_what_never_was_a_delivery_is_dropped(service, deliveries):
    await deliveries.bury([Refused(random_id(), b"{}", "unreadable", "x")], now_ms())
    assert (await service.drop_many(Wanted(), dry_run=False)).number == 1


async def test_pages_of_dead_letters(service, deliveries):
    letters = [await dead(deliveries) for _ in range(3)]
    other = await dead(deliveries, reason="exhausted")
    page = await service.page("permanent", "", 0, 2)
    assert page.total == 3 and len(page.entries) == 2 and page.next_place
    rest = await service.page("permanent", "", page.next_place, 2)
    assert sorted(entry.id for entry in (*page.entries, *rest.entries)) == sorted(letters)
    assert rest.next_place is None or not (await service.page("permanent", "", rest.next_place, 2)).entries
    assert [entry.id for entry in (await service.page("exhausted", "sms", 0, 9)).entries] == [other]
    assert {(row.reason, row.number) for row in page.reasons} == {("permanent", 3), ("exhausted", 1)}


@pytest.mark.parametrize("identity", ["nonsense", "../x", random_id()], ids=["no id", "a path", "unknown"])
async def test_what_is_not_there_is_not_dropped(service, identity):
    assert await code_of(service.drop(identity)) is ErrorCode.NOT_FOUND


async def test_a_dead_letter_is_dropped_once(service, deliveries):
    identity = await dead(deliveries)
    await service.drop(identity)
    assert await code_of(service.drop(identity)) is ErrorCode.NOT_FOUND
