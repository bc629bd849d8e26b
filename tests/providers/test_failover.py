"""Failover: a provider that asks others in order."""

import pytest

from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.failover import Failover
from tests.providers.contract import ProviderContract, failure


class TestContract(ProviderContract):
    @pytest.fixture
    def make(self, build):
        urls = ("simulator://first?success=0&latency=0", "simulator://second?success=1&latency=0")
        return lambda: Failover([build(url) for url in urls])


class Scripted(Provider):
    def __init__(self, name, *errors):
        super().__init__(name)
        self.errors = list(errors)
        self.asked = 0

    async def send(self, message: Message) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.name


async def test_failover(message):
    first = Scripted("a", ProviderError("connect"), ProviderError("rejected", permanent=True))
    second = Scripted("b")
    both = Failover([first, second])
    assert both.name == "a > b"
    assert await both.send(message()) == "b"
    assert (await failure(both, message())).reason == "rejected"
    assert (first.asked, second.asked) == (2, 1)
    assert await both.send(message()) == "a"


async def test_failover_when_all_are_down(message):
    both = Failover(
        [Scripted("a", ProviderError("x", retry_after=9)), Scripted("b", ProviderError("y", retry_after=4))]
    )
    error = await failure(both, message())
    assert (error.reason, error.retry_after) == ("y", 4)
