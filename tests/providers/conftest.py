import uuid

import pytest

from notifier.providers.base import Message
from notifier.providers.registry import build_provider
from notifier.providers.tools import Tools
from tests.providers.peers import HttpPeer, SmtpPeer, certificate, server_context

NOW = 1_800_000_000.0


@pytest.fixture
def message():
    """Builds messages."""

    def build(channel="sms", to="+905551234567", **fields):
        identity = str(uuid.uuid4())
        values = {"id": identity, "key": identity, "channel": channel, "to": to, "subject": "Order 7"}
        return Message(**{**values, "content": "It is on its way ☃", "data": {"n": 7}, "priority": "high", **fields})

    return build


@pytest.fixture
def peer(loop):
    found = loop.run_until_complete(HttpPeer().start())
    found.answers.append((200, {}, b"{}"))
    yield found
    loop.run_until_complete(found.stop())


@pytest.fixture
def build(loop):
    """Builds providers by their URLs, and closes them."""
    built = []

    def make(url, route="sms", timeout=5.0, **options):
        tools = Tools(timeout=timeout, now=lambda: NOW, **options)
        built.append((build_provider(url, route, tools), tools))
        return built[-1][0]

    yield make
    for provider, tools in built:
        loop.run_until_complete(provider.close())
        loop.run_until_complete(tools.close())


@pytest.fixture
def smtp(loop, tmp_path):
    """Starts peers."""
    started = []

    async def start(implicit=False, tls=True, **options):
        files = certificate(tmp_path)
        context = server_context(*files) if tls else None
        started.append(await SmtpPeer(context, **options).start(implicit))
        started[-1].ca = files[0]
        return started[-1]

    yield start
    for one in started:
        loop.run_until_complete(one.stop())
