"""From the door to a provider and back: real HTTP, a real store, a provider that does as it is told."""

import asyncio
import time

import pytest

from notifier.domain.retry import RetryPolicy
from notifier.providers.base import ProviderError
from tests.delivery.conftest import Scripted, wire
from tests.support import Inbox, eventually

DONE = ("sent", "failed", "expired", "cancelled")


async def create(client, channel="sms", recipient="+905551234567", **fields):
    body = {"channel": channel, "content": "hi", **({"recipient": recipient} if recipient else {}), **fields}
    answer = await client.post("/api/v1/notifications", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def look(client, identity):
    return (await client.get(f"/api/v1/notifications/{identity}")).json()


async def attempts(client, identity):
    return (await client.get(f"/api/v1/notifications/{identity}/status")).json()["attempts"]


async def ended(client, identity, *statuses):
    async def found():
        delivery = await look(client, identity)
        return delivery if delivery["status"] in (statuses or DONE) else None

    return await eventually(found, f"the end of {identity}")


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


async def test_retries_and_every_attempt(pod, scripted):
    client = await pod()
    scripted.script = [ProviderError("connect"), ProviderError("server_error", "503 busy")]
    identity = await create(client)
    found = await ended(client, identity)
    assert (found["status"], found["retry_count"]) == ("sent", 2)
    assert "error" not in found
    assert [(one["outcome"], one["error"]) for one in await attempts(client, identity)] == [
        ("retry", "connect"),
        ("retry", "server_error: 503 busy"),
        ("sent", ""),
    ]


@pytest.mark.parametrize(("most", "tries"), [(0, 1), (2, 3)])
async def test_after_the_last_retry_it_is_a_dead_letter(pod, scripted, most, tries):
    client = await pod(breaker_failures="100")
    scripted.script = [ProviderError("server_error")] * 10
    identity = await create(client, max_retries=most)
    found = await ended(client, identity)
    assert (found["status"], found["error"], len(scripted.taken)) == ("failed", "server_error", tries)
    (entry,) = (await client.get("/api/v1/admin/dlq")).json()["entries"]
    assert (entry["id"], entry["reason"], entry["attempts"]) == (identity, "server_error", tries)


async def test_what_is_refused_for_good_is_not_tried_again(pod, scripted):
    client = await pod()
    scripted.script = [ProviderError("rejected", "400", permanent=True)]
    assert (await ended(client, await create(client)))["status"] == "failed"
    assert len(scripted.taken) == 1


def test_waits():
    policy = RetryPolicy((5.0, 30.0, 120.0))
    low, high = (lambda a, b: a), (lambda a, b: b)
    assert [policy.wait(n, None, low) for n in range(5)] == [4.0, 24.0, 96.0, 96.0, 96.0]
    assert [policy.wait(n, None, high) for n in range(3)] == [6.0, 36.0, 144.0]
    assert policy.wait(0, 60.0, low) == 60.0
    assert policy.wait(2, 1.0, low) == 96.0
    doubling = RetryPolicy((5.0,), 2.0)
    assert [doubling.wait(n, None, lambda a, b: 1.0) for n in range(4)] == [2.0, 4.0, 8.0, 16.0]


async def test_a_provider_says_when(pod, scripted):
    client = await pod()
    scripted.script = [ProviderError("throttled", retry_after=3600.0)]
    found = await ended(client, await create(client), "retrying")
    assert found["next_retry_at"] > found["updated_at"]
    assert found["next_retry_at"][:10] >= time.strftime("%Y-%m-%d", time.gmtime())
    waits = (await look(client, found["id"]))["next_retry_at"]
    assert waits > time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 3000))


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


# -- sessions


async def session(client, platform, token, user="7"):
    body = {"user_id": user, "platform": platform, "device_token": token}
    assert (await client.post("/api/v1/sessions", json=body)).status_code == 201


async def test_every_device_of_a_user(pod, scripted):
    client = await pod()
    android = Scripted("android")
    wire(client.pod, {"*": scripted, "push:android": android})
    await session(client, "ios", "i1")
    await session(client, "android", "a1")
    await session(client, "email", "ada@example.com")
    android.script = [ProviderError("unregistered", permanent=True, unregistered=True)]
    identity = await create(client, "push", "", user_id="7")
    found = await ended(client, identity)
    assert (found["status"], found["provider"]) == ("sent", "scripted")
    assert [(one.to, one.platform) for one in (*scripted.taken, *android.taken)] == [("i1", "ios"), ("a1", "android")]
    assert {one.key for one in (*scripted.taken, *android.taken)} == {identity, f"{identity}/2"}
    left = (await client.get("/api/v1/sessions/7")).json()["sessions"]
    assert [one["platform"] for one in left] == ["ios", "email"]


async def test_no_address(pod, scripted):
    client = await pod()
    found = await ended(client, await create(client, "push", "", user_id="nobody"))
    assert (found["status"], found["error"]) == ("failed", "no_address")
    assert scripted.taken == []


async def test_the_simulator_takes_users_without_an_address(start_pod):
    client = await start_pod(simulator_success_rate="1", simulator_latency="0")
    assert (await ended(client, await create(client, "push", "", user_id="nobody")))["status"] == "sent"


async def test_inapp_ends_in_the_inbox(pod):
    client = await pod()
    inbox = await Inbox.open(client)
    identity = await create(client, "inapp", "1-alice", subject="T", data={"a": 1}, priority="low")
    push = await inbox.receive("notification.push")
    assert (push["notification_id"], push["message"], push["title"]) == (identity, "hi", "T")
    assert (push["data"], push["priority"]) == ({"a": 1}, "low")
    assert (await ended(client, identity))["provider"] == "inbox"


# -- circuits


async def test_a_circuit_opens_half_opens_and_closes(pod, scripted):
    client = await pod(breaker_failures="3", breaker_reset="300ms", sms_workers="1")
    scripted.script = [ProviderError("connect")] * 3
    ids = [await create(client) for _ in range(4)]
    for identity in ids:
        assert (await ended(client, identity))["status"] == "sent"
    retries = [(await look(client, identity))["retry_count"] for identity in ids]
    assert sum(retries) == 3  # what waited for the circuit used up none
    assert len(scripted.taken) == 7
    assert client.pod.pipeline.breakers.state("scripted") == "closed"


async def test_a_circuit_is_shared_by_the_pods(pod, scripted):
    client, other = await pod(breaker_failures="1"), await pod("pod-b", sms_workers="1")
    scripted.script = [ProviderError("connect")]
    identity = await create(client)
    await ended(client, identity, "retrying", "scheduled")
    await other.pod.pipeline.breakers.refresh()
    for one in (client, other):
        assert one.pod.pipeline.breakers.state("scripted") == "open"
    health = (await other.get("/health")).json()["components"]["providers"]
    assert health["status"] == "degraded"
    await ended(client, identity, "scheduled")  # neither pod tries
    assert len(scripted.taken) == 1


async def test_one_probe_at_a_time(pod, scripted):
    client = await pod(breaker_failures="1", breaker_reset="100ms")
    scripted.script = [ProviderError("connect")]
    first = await create(client)
    await eventually(lambda: client.pod.pipeline.breakers.state("scripted") == "half_open", "the half-open circuit")
    scripted.gate.clear()
    ids = [first, *[await create(client) for _ in range(6)]]
    await eventually(lambda: len(scripted.taken) == 2, "the probe")
    waits = await asyncio.gather(*(client.pod.pipeline.breakers.wait_of("scripted") for _ in range(5)))
    assert None not in waits
    scripted.gate.set()
    for identity in ids:
        assert (await ended(client, identity))["status"] == "sent"


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


async def test_a_defect_of_a_provider_is_a_failed_try(pod, scripted, caplog):
    client = await pod()

    async def broken(message):
        scripted.taken.append(message)
        if len(scripted.taken) == 1:
            raise KeyError("a defect")
        return "ok"

    scripted.send = broken
    found = await ended(client, await create(client))
    assert (found["status"], found["retry_count"]) == ("sent", 1)
    assert "provider.defect" in caplog.text
