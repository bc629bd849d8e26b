"""The simulator, failover and the registry."""

import sys
from types import SimpleNamespace

import pytest

from notifier.providers.base import Message, Provider, ProviderError, SetupError
from notifier.providers.failover import Failover
from notifier.providers.registry import PROVIDERS, build_channel, build_provider
from notifier.providers.tools import Tools
from tests.providers.contract import failure


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
        ("pigeon://x", "no provider has the scheme 'pigeon'; there are simulator, https"),
    ],
)
def test_urls_that_are_wrong(url, said):
    with pytest.raises(SetupError, match="sms: ") as raised:
        build_provider(url, "sms", Tools())
    assert said in str(raised.value)


def test_every_provider_has_its_scheme():
    for scheme, (module, name) in PROVIDERS.items():
        found = getattr(__import__(f"notifier.providers.{module}", fromlist=[name]), name)
        assert scheme in found.schemes
        assert f"`{scheme}://" in found.__doc__ or scheme == "http"


def test_the_channel_webhook_needs_no_provider():
    (provider,) = build_channel("webhook", [], Tools())
    assert provider.name == "webhook:recipient"
    assert build_channel("sms", [], Tools()) == []


class Scripted(Provider):
    schemes = ()

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


def test_apprise_says_how_it_is_had(build):
    with pytest.raises(SetupError, match=r"pip install 'notifier\[apprise\]'"):
        build("apprise://json://localhost")


async def test_a_title_for_apprise_is_one_line(build, message, monkeypatch):
    """Its services put the title into headers of their own."""
    sent = []
    service = SimpleNamespace(send=lambda **text: sent.append(text) or True)
    library = SimpleNamespace(Apprise=SimpleNamespace(instantiate=lambda url, **_: service))
    monkeypatch.setitem(sys.modules, "apprise", library)
    await build("apprise://json://localhost").send(message(subject="Hi\r\nBcc: x\u2028y", content="a\nb"))
    assert sent == [{"body": "a\nb", "title": "Hi Bcc: x y"}]
