"""Deliveries of a store without a pod: made, leased, finished, and brought into a status."""

import time
import uuid

from notifier.domain.status import Event, Status
from notifier.store.delivery_records import Finished, LeaseTerms, NewDelivery, digest

TERMS = LeaseTerms(0, 0, 60.0, "defer")
OWNER = "pod-a"


def now_ms():
    return round(time.time() * 1000)


def new(channel="sms", priority="normal", **fields):
    identity = str(uuid.uuid4())
    values = {"id": identity, "document": b'{"id":"%b"}' % identity.encode(), "channel": channel, "priority": priority}
    values |= {"scheduled": None, "expires": None, "created": now_ms(), "accepted": now_ms(), "max_retries": 3}
    return NewDelivery(**{**values, "user": "", "recipient": digest("+1"), "limited_by": "", **fields})


async def stored(deliveries, *items):
    found = await deliveries.create(items, 60_000)
    assert [one.outcome for one in found] == ["stored"] * len(items)
    return [item.id for item in items]


async def lease(deliveries, count=10, channel="sms", terms=TERMS, owner=OWNER):
    return await deliveries.lease(channel, count, owner, terms)


async def status_of(deliveries, identity):
    record = await deliveries.get(identity)
    return record and record.status


async def entry_of(deliveries, identity):
    found = await deliveries._redis.call("HGET", f"notif:{{delivery}}:record:{identity}", "entry")
    return (found or b"").decode()


async def finish(deliveries, identity, event, owner=OWNER, lease=None, **fields):
    """Says what came of the lease that is on, or of another."""
    lease = await entry_of(deliveries, identity) if lease is None else lease
    (status,) = await deliveries.finish([Finished(identity, owner, lease, event, **fields)])
    return status


async def put_into(deliveries, status):
    """A delivery in a status, come there by the events that lead to it."""
    later = now_ms() + 3_600_000
    (identity,) = await stored(deliveries, new(scheduled=later if status is Status.SCHEDULED else None, batch="b"))
    if status is Status.CANCELLED:
        await deliveries.change(Event.CANCEL, [identity])
    if status in (Status.PROCESSING, Status.RETRYING, Status.SENT, Status.FAILED, Status.EXPIRED):
        assert [one.id for one in (await lease(deliveries)).leased] == [identity]
    ends = {
        Status.RETRYING: Event.RETRY,
        Status.SENT: Event.SENT,
        Status.FAILED: Event.FAIL,
        Status.EXPIRED: Event.EXPIRE,
    }
    if status in ends:
        await finish(deliveries, identity, ends[status], wait=3600.0, reason="x")
    assert await status_of(deliveries, identity) is status
    return identity


async def happen(deliveries, identity, event):
    """Makes an event happen, by the way that it comes in the program."""
    if event in (Event.CANCEL, Event.REQUEUE, Event.DUE, Event.RECLAIM):
        await deliveries.change(event, [identity])
    elif event is Event.LEASE:
        await lease(deliveries)
    else:
        await finish(deliveries, identity, event, wait=3600.0, reason="y")
