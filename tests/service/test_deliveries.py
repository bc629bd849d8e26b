"""Looking at deliveries and changing them: each by its status, many by their reason."""

import pytest

from notifier.domain.deliveries import Filter
from notifier.domain.ids import random_id
from notifier.domain.status import Status
from notifier.errors import ErrorCode
from notifier.service.deliveries import DeliveryService
from notifier.store.deliveries import Deliveries
from tests.delivery.consistency import check_consistent
from tests.store.leases import lease, new, put_into, status_of, stored
from tests.support import code_of


@pytest.fixture
def deliveries(loop, redis, store):
    yield Deliveries(store)
    loop.run_until_complete(check_consistent(redis))


@pytest.fixture
def service(deliveries):
    told = []
    service = DeliveryService(deliveries, told.extend)
    service.told = told
    return service


@pytest.mark.parametrize("identity", ["nonsense", "../x", random_id()], ids=["no id", "a path", "unknown"])
async def test_what_is_not_there(service, identity):
    for work in (service.get, service.status, service.cancel, service.retry, service.requeue):
        assert await code_of(work(identity)) is ErrorCode.NOT_FOUND
    assert await code_of(service.batch(identity, 1, 10)) is ErrorCode.NOT_FOUND
    assert not service.told


@pytest.mark.parametrize("status", list(Status))
async def test_only_what_is_not_under_way_is_cancelled(service, deliveries, status):
    identity = await put_into(deliveries, status)
    if status in (Status.QUEUED, Status.SCHEDULED, Status.RETRYING):
        await service.cancel(identity)
        assert await status_of(deliveries, identity) is Status.CANCELLED
        assert [(change.id, change.status) for change in service.told] == [(identity, Status.CANCELLED)]
    else:
        assert await code_of(service.cancel(identity)) is ErrorCode.CONFLICT
        assert await status_of(deliveries, identity) is status and not service.told


@pytest.mark.parametrize("status", list(Status))
async def test_what_waits_or_failed_is_tried_at_once(service, deliveries, status):
    identity = await put_into(deliveries, status)
    if status in (Status.SCHEDULED, Status.RETRYING, Status.FAILED):
        await service.retry(identity)
        assert await status_of(deliveries, identity) is Status.QUEUED
    else:
        assert await code_of(service.retry(identity)) is ErrorCode.CONFLICT


async def test_a_channel_is_held_and_let_go(service, deliveries):
    assert await code_of(service.pause("pigeon", True)) is ErrorCode.NOT_FOUND
    await stored(deliveries, new())
    await service.pause("sms", True)
    assert not (await lease(deliveries)).leased and not service.told
    await service.pause("sms", False)
    assert len((await lease(deliveries)).leased) == 1
    assert [change.channel for change in service.told] == ["sms"]


async def test_a_batch_and_a_search_page_by_page(service, deliveries):
    batch = random_id()
    await stored(deliveries, *(new(batch=batch) for _ in range(3)), new())
    found = await service.batch(batch, 2, 2)
    assert (found["total"], found["statuses"], len(found["notifications"])) == (3, {"queued": 3}, 1)
    page = await service.search(Filter(), 2, 3)
    assert (page["total"], len(page["notifications"])) == (4, 1) and "total_is_minimum" not in page
