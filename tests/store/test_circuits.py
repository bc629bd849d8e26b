"""Circuits in Redis, and as a pod sees them."""

import asyncio
import time

import pytest

from notifier.delivery.breakers import BreakerPolicy, Breakers
from notifier.store import circuits as store
from notifier.store.circuits import Circuits

SMS = "sms:relay"
HOOK = "webhook:recipient"
HOST = f"{HOOK} example.com:443"


@pytest.fixture
def circuits(redis):
    return Circuits(redis)


@pytest.fixture
def breakers(circuits):
    """Builds a pod's view; what it tells goes into `told`."""

    def build(failures=3, reset=30.0):

        told = []
        found = Breakers(circuits, lambda *facts: told.append(facts), time.time, BreakerPolicy(failures, reset))
        found.told = told
        found.add([SMS, HOOK])
        return found

    return build


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


async def test_circuits_of_hosts_are_bounded_and_end(breakers, redis, monkeypatch):
    monkeypatch.setattr(store, "HOSTS_MOST", 20)
    pod = breakers(failures=1)
    await pod.failed(SMS, "a")
    for number in range(30):
        await pod.failed(f"{HOOK} h{number}:443", "a")
    await pod.refresh()
    assert len(pod.hosts(HOOK)) == 20
    keys = await redis.call("KEYS", redis.keys.delivery("circuit*"))
    assert len(keys) == 22  # with the provider's, and the list of hosts
    lives = [await redis.call("PTTL", key) for key in keys]
    assert sorted(life > store.HOST_LIFE * 1000 for life in lives) == [False] * 21 + [True]
    assert min(lives) > 0


async def test_a_circuit_of_the_version_before_is_understood(breakers, redis):
    key = redis.keys.delivery(f"circuit:{SMS}")
    await redis.call("HSET", key, "failures", 4)
    await redis.call("PEXPIRE", key, 60_000)
    pod = breakers(failures=5)
    await pod.refresh()
    await pod.failed(SMS, "a")
    assert await pod.wait_of(SMS, "b") is not None
