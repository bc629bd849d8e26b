"""Apprise, whose place a module of the test takes: the extra need not be installed."""

import asyncio
import sys
import threading
import types

import pytest

from notifier.providers.base import ProviderError, SetupError
from tests.providers.contract import ProviderContract


@pytest.fixture
def service(monkeypatch):
    """A service that Apprise sends by; hangs while `gate` is closed."""
    found = types.SimpleNamespace(gate=threading.Event(), sent=[], answer=True)

    def send(body, title):
        found.sent.append((title, body))
        found.gate.wait(10)
        return found.answer

    found.send = send
    module = types.ModuleType("apprise")
    module.Apprise = types.SimpleNamespace(instantiate=lambda url, suppress_exceptions: found)
    monkeypatch.setitem(sys.modules, "apprise", module)
    yield found
    found.gate.set()


class TestContract(ProviderContract):
    @pytest.fixture
    def make(self, build, service):
        service.gate.set()
        return lambda: build("apprise://json://host/x")


def test_apprise_says_how_it_is_had(build):
    with pytest.raises(SetupError, match=r"pip install 'notifier\[apprise\]'"):
        build("apprise://json://localhost")


async def test_a_title_is_one_line(build, message, service):
    """Services put the title into headers of their own."""
    service.gate.set()
    await build("apprise://json://host/x").send(message(subject="Hi\r\nBcc: x\u2028y", content="a\nb"))
    assert service.sent == [("Hi Bcc: x y", "a\nb")]


async def test_it_sends_or_may_be_repeated(build, message, service):
    service.gate.set()
    provider = build("apprise://json://host/x")
    assert await provider.send(message(subject="S", content="C")) == ""
    service.answer = False
    with pytest.raises(ProviderError, match="server_error") as raised:
        await provider.send(message())
    assert not raised.value.permanent
    assert service.sent[0] == ("S", "C")


async def test_a_service_that_hangs_keeps_no_thread_of_others(build, message, service):
    provider = build("apprise://json://host/x")
    sends = [asyncio.ensure_future(provider.send(message())) for _ in range(40)]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "written"), 2) == "written"
    service.gate.set()
    assert await asyncio.gather(*sends) == [""] * 40
