"""From the endpoint to a provider and back: real HTTP, a real store, a provider that does as it is told."""

import asyncio
import time

from notifier.delivery.engine import MOST
from notifier.providers.base import ProviderError
from notifier.store.deliveries import Deliveries
from tests.delivery.client import attempts, create, ended, look
from tests.delivery.conftest import Scripted, wire
from tests.support import eventually


async def test_a_delivery_is_sent(pod, scripted):
    client = await pod()
    identity = await create(client, subject="S", data={"a": 1}, priority=3)
    found = await ended(client, identity)
    assert (found["status"], found["provider"], found["provider_message_id"]) == (
        "sent",
        "scripted",
        f"sent-{identity}",
    )
    (message,) = scripted.taken
    assert (message.id, message.key, message.to, message.subject) == (identity, identity, "+905551234567", "S")
    assert (message.data, message.priority, message.channel) == ({"a": 1}, "high", "sms")
    (attempt,) = await attempts(client, identity)
    assert (attempt["provider"], attempt["outcome"], attempt["error"]) == ("scripted", "sent", "")


async def test_what_is_scheduled_comes_in_time_and_expires_in_time(pod, scripted):
    client = await pod()
    soon = time.time() + 0.3
    identity = await create(client, scheduled_at=_text(soon))
    assert (await look(client, identity))["status"] == "scheduled"
    await ended(client, identity, "sent")
    assert time.time() - soon < 5.0  # SCHEDULER_INTERVAL
    late = await create(client, expires_at=_text(time.time() - 1))
    assert (await ended(client, late))["status"] == "expired"
    assert len(scripted.taken) == 1


def _text(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03d}Z"


# -- queues


async def test_backpressure(pod, scripted):
    client = await pod(max_queue_size="3", sms_workers="10", email_workers="10", rate_limit_per_user="100")
    scripted.gate.clear()
    for number in range(8):
        await create(client)
        await create(client, "email", f"u{number}@example.com")
    engine = client.pod.pipeline.engine
    await eventually(lambda: len(scripted.taken) == 3, "the first sends")
    queues = (await client.get("/api/v1/admin/queues")).json()["queues"]
    assert sum(queue["processing"] for queue in queues) == 3 == engine.leased
    scripted.gate.set()
    await eventually(lambda: len(scripted.taken) == 16, "all sends")
    await eventually(lambda: engine.leased == 0, "the end of all")


async def test_many_are_leased_in_parts_that_hold_nobody_up(pod, scripted, monkeypatch):
    client = await pod(
        sms_workers="500", max_queue_size="1000", rate_limit_per_user="1000", rate_limit_per_channel="100000"
    )
    asked, lease = [], Deliveries.lease

    async def counted(self, channel, count, *args):
        found = await lease(self, channel, count, *args)
        asked.append((count, len(found.leased)))
        return found

    monkeypatch.setattr(Deliveries, "lease", counted)
    scripted.gate.clear()
    items = [{"channel": "sms", "recipient": f"+90555{number:07d}", "content": "hi"} for number in range(2 * MOST + 1)]
    answer = await client.post("/api/v1/notifications/batch", json={"notifications": items})
    assert answer.status_code == 201
    await eventually(lambda: client.pod.pipeline.engine.leased == len(items), "all leases")
    assert max(count for count, _ in asked) == MOST
    assert [leased for _, leased in asked if leased] == [MOST, MOST, 1]
    scripted.gate.set()
    await eventually(lambda: len(scripted.taken) == len(items), "all sends")


async def test_a_stop_lets_sends_end(pod, scripted):
    client = await pod()
    scripted.gate.clear()
    identity = await create(client)
    await eventually(lambda: scripted.taken, "the send")
    stopping = asyncio.create_task(client.pod.pipeline.stop(5.0))
    await asyncio.sleep(0)
    assert not stopping.done()
    scripted.gate.set()
    await stopping
    assert (await look(client, identity))["status"] == "sent"


async def test_a_stop_sends_what_was_being_leased(pod, scripted, monkeypatch):
    client = await pod()
    store, leased, gate = client.pod.pipeline.deliveries, asyncio.Event(), asyncio.Event()
    lease = store.lease

    async def slow(*args):
        found = await lease(*args)
        if found.leased:
            leased.set()
            await gate.wait()
        return found

    monkeypatch.setattr(store, "lease", slow)
    identity = await create(client)
    await asyncio.wait_for(leased.wait(), 5)
    stopping = asyncio.create_task(client.pod.pipeline.stop(5.0))
    await asyncio.sleep(0)
    gate.set()
    await stopping
    assert (await look(client, identity))["status"] == "sent"


async def test_a_lease_that_nobody_renews_is_taken_over(pod, scripted, start_pod):
    client = await pod(delivery_lease="1s")
    scripted.gate.clear()
    identity = await create(client)
    await eventually(lambda: scripted.taken, "the send")
    engine = client.pod.pipeline.engine
    for task in [*engine._tasks, *[task for lane in engine._lanes.values() for task in lane.running]]:
        task.cancel()  # this pod is gone as far as the queue can tell
    healthy = Scripted("healthy")
    other = await pod("pod-b", delivery_lease="1s")
    wire(other.pod, {"*": healthy})
    reclaimer = next(duty for duty in other.pod.duties if duty.name == "reclaimer")
    await asyncio.sleep(1.0)  # the lease's own time; it is Redis that counts it
    await reclaimer.round()
    await reclaimer.round()
    assert (await ended(other, identity))["provider"] == "healthy"


async def test_a_slow_try_says_nothing_of_the_next_one_in_the_same_pod(pod, scripted):
    """A provider hangs longer than its lease; the same pod takes the delivery over, then the first try fails."""
    client = await pod(delivery_lease="1s", sms_workers="2")
    gates = [asyncio.Event(), asyncio.Event()]

    async def send(message):
        scripted.taken.append(message)
        number = len(scripted.taken)
        await gates[number - 1].wait()
        if number == 1:
            raise ProviderError("rejected", permanent=True)
        return "second"

    scripted.send = send
    identity = await create(client)
    await eventually(lambda: scripted.taken, "the first try")
    store, engine = client.pod.pipeline.deliveries, client.pod.pipeline.engine
    (change,) = await store.reclaim("sms", "pod-a", 0, 10)
    engine.poke([change.channel])
    await eventually(lambda: len(scripted.taken) == 2, "the second try")
    assert engine.leased == 2
    gates[0].set()
    await eventually(lambda: engine.leased == 1, "the end of the first try")
    assert (await look(client, identity))["status"] == "processing"
    gates[1].set()
    found = await ended(client, identity)
    assert (found["status"], found["provider_message_id"]) == ("sent", "second")
    assert engine.leased == 0
