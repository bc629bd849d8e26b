"""Circuits in Redis, and as a pod sees them."""

from functools import partial

import pytest

from notifier.store import circuits as store
from notifier.store.circuits import Circuits
from notifier.store.keys import Keys
from tests.delivery.circuits import HOOK, SMS, breakers_of


@pytest.fixture
def circuits(store):
    return Circuits(store)


@pytest.fixture
def breakers(circuits):
    return partial(breakers_of, circuits)


async def test_circuits_of_hosts_are_bounded_and_end(breakers, redis, monkeypatch):
    monkeypatch.setattr(store, "HOSTS_MOST", 20)
    pod = breakers(failures=1)
    await pod.failed(SMS, "a")
    for number in range(30):
        await pod.failed(f"{HOOK} h{number}:443", "a")
    await pod.refresh()
    assert len(pod.hosts(HOOK)) == 20
    keys = await redis.call("KEYS", Keys().delivery("circuit*"))
    assert len(keys) == 22  # with the provider's, and the list of hosts
    lives = [await redis.call("PTTL", key) for key in keys]
    assert sorted(life > store.HOST_LIFE * 1000 for life in lives) == [False] * 21 + [True]
    assert min(lives) > 0


async def test_a_circuit_of_the_version_before_is_understood(breakers, redis):
    key = Keys().delivery(f"circuit:{SMS}")
    await redis.call("HSET", key, "failures", 4)
    await redis.call("PEXPIRE", key, 60_000)
    pod = breakers(failures=5)
    await pod.refresh()
    await pod.failed(SMS, "a")
    assert await pod.wait_of(SMS, "b") is not None
