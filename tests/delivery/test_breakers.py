"""Circuits as an instance sees them, and as deliveries meet them."""

import asyncio
from functools import partial

import pytest

from notifier.providers.base import ProviderError
from notifier.store.circuits import Circuits
from tests.delivery.circuits import HOOK, HOST, SMS, breakers_of
from tests.delivery.client import create, ended, look
from tests.support import eventually


@pytest.fixture
def circuits(store):
    return Circuits(store)


@pytest.fixture
def breakers(circuits):
    return partial(breakers_of, circuits)


async def test_failures_of_several_in_a_row_open_it_for_all(breakers):
    pod = breakers()
    for recipient in ("a", "b", "a"):
        assert await pod.wait_of(SMS, "c") is None
        await pod.failed(SMS, recipient)
    assert 29 < await pod.wait_of(SMS, "c") <= 30
    assert pod.told == [(SMS, "", "open")]


async def test_a_success_begins_the_count_anew(breakers):
    pod = breakers()
    for outcome in (pod.failed, pod.failed, pod.succeeded, pod.failed, pod.failed):
        await outcome(SMS, "a")
    assert pod.state(SMS) == "closed"


async def test_failures_about_one_recipient_open_it_for_that_one(breakers):
    pod = breakers()
    for _ in range(3):
        await pod.failed(SMS, "bad")
    assert pod.state(SMS) == "open"
    assert await pod.wait_of(SMS, "bad") is not None
    assert await pod.wait_of(SMS, "good") is None
    for _ in range(2):  # the others' are counted apart, and a success of theirs counts for them alone
        await pod.failed(SMS, "good")
        await pod.failed(SMS, "fine")
        assert await pod.wait_of(SMS, "good") is None
        await pod.succeeded(SMS, "fine")
    assert await pod.wait_of(SMS, "bad") is not None
    for recipient in ("good", "fine", "good"):
        await pod.failed(SMS, recipient)
    assert await pod.wait_of(SMS, "good") is not None


async def test_a_success_of_others_closes_it_once_its_time_is_over(breakers):
    pod = breakers(failures=1, reset=0.01)
    await pod.failed(SMS, "bad")
    await _half_open(pod, SMS)
    await pod.succeeded(SMS, "good")
    assert pod.state(SMS) == "closed"


async def test_an_answer_about_a_recipient_opens_nothing_and_closes_nothing(breakers):
    pod = breakers(failures=2, reset=0.01)
    await pod.failed(SMS, "a")
    await pod.answered(SMS, "b")
    assert pod.circuit(SMS).failures == 1
    await pod.failed(SMS, "b")
    await _half_open(pod, SMS)
    assert await pod.wait_of(SMS, "a") is None
    assert await pod.wait_of(SMS, "b") == 1.0  # the probe is under way
    await pod.answered(SMS, "a")
    assert pod.state(SMS) == "half_open"
    assert await pod.wait_of(SMS, "b") is None  # it said nothing, so that the next one is the probe


async def _half_open(pod, name):

    while pod.state(name) != "half_open":
        await asyncio.sleep(0.002)


async def test_a_host_is_no_provider(breakers):
    one, other = breakers(), breakers()
    for recipient in ("u/1", "u/2", "u/3"):
        await one.failed(HOST, recipient)
    await other.refresh()
    for pod in (one, other):
        assert [(found.host, found.state) for found in pod.hosts(HOOK)] == [("example.com:443", "open")]
        assert pod.told == [(HOOK, "example.com:443", "open")]
        assert (pod.state(HOOK), pod.hosts(SMS)) == ("closed", [])
    await one.succeeded(HOST, "u/1")
    await other.refresh()
    assert (one.hosts(HOOK), other.hosts(HOOK)) == ([], [])
    assert other.told[-1] == (HOOK, "example.com:443", "closed")


async def test_after_a_restart_it_is_as_it_was(breakers):
    pod = breakers()
    for recipient in ("a", "b", "c"):
        await pod.failed(SMS, recipient)
        await pod.failed(HOST, recipient)
    fresh = breakers()
    await fresh.refresh()
    assert await fresh.wait_of(SMS, "d") is not None
    assert await fresh.wait_of(HOST, "d") is not None


# -- as deliveries meet them


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
