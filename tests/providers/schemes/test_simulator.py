"""The simulator."""

import pytest

from notifier.providers.base import ProviderError, SetupError
from notifier.providers.registry import build_provider
from notifier.providers.tools import Tools
from tests.providers.contract import ProviderContract, failure


class TestContract(ProviderContract):
    @pytest.fixture
    def make(self, build):
        return lambda **options: build("simulator://?success=1&latency=0", **options)


async def outcomes(provider, message, number=400):
    found = []
    for _ in range(number):
        try:
            await provider.send(message())
            found.append("sent")
        except ProviderError as error:
            found.append(error.reason)
    return {reason: found.count(reason) / number for reason in set(found)}


async def test_shares(build, message):
    provider = build("simulator://?success=0.5&latency=0&permanent=0.5&unregistered=0.25&seed=7")
    found = await outcomes(provider, message)
    assert found["sent"] == pytest.approx(0.5, abs=0.08)
    assert found["rejected"] == pytest.approx(0.25, abs=0.08)
    assert found["unregistered"] == pytest.approx(0.125, abs=0.06)
    assert found["server_error"] == pytest.approx(0.125, abs=0.06)


async def test_the_settings_are_its_defaults(build, message):
    provider = build("simulator://", simulator_success_rate=0.0, simulator_latency=0.0)
    assert (await failure(provider, message())).reason == "server_error"


async def test_a_wish_to_wait(build, message):
    assert (await failure(build("simulator://?success=0&latency=0&retry_after=3s"), message())).retry_after == 3.0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("simulator://?success=2", "success= must be a number of 0-1"),
        ("simulator://?success=x", "success= must be a number of 0-1"),
        ("simulator://?latency=1h", "latency= must be a duration of at most 60s"),
        ("simulator://?seed=x", "seed= must be an integer"),
        ("simulator://?sucess=1", "unknown parameter: sucess"),
    ],
)
def test_urls_that_are_wrong(url, said):
    with pytest.raises(SetupError, match="sms: ") as raised:
        build_provider(url, "sms", Tools())
    assert said in str(raised.value)
