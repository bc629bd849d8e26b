"""Pods whose providers do as a test tells them."""

import asyncio

import pytest

from notifier.delivery.guarded import Guarded
from notifier.delivery.routes import ROUTES, Routes
from notifier.providers.base import Provider, ProviderError
from tests.delivery.consistency import check_consistent


class Scripted(Provider):
    """Takes messages, and answers with what `script` holds, then with success."""

    schemes = ()

    def __init__(self, name="scripted"):
        super().__init__(name)
        self.script = []
        self.taken = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, message):
        self.taken.append(message)
        await self.gate.wait()
        answer = self.script.pop(0) if self.script else None
        if isinstance(answer, ProviderError):
            raise answer
        return f"sent-{message.key}"


def wire(pod, providers):
    """Puts providers (by route; `*` for the others) into a pod that has started."""
    pipeline = pod.pipeline
    guard = {one: Guarded(one, pipeline.breakers, pod.metrics.observe_attempt) for one in providers.values()}
    inapp = next(member for key, member in pipeline.routes if key == "inapp")
    routes = Routes({key: [guard[providers.get(key, providers["*"])]] for key in ROUTES}, inapp)
    vars(pipeline.routes).update(vars(routes))  # the same object, whoever holds it
    pipeline.breakers.add(provider.name for _, provider in routes)


@pytest.fixture
def scripted():
    return Scripted()


@pytest.fixture
def pod(loop, redis, start_pod, scripted):
    """Starts pods with the scripted provider for every channel; afterwards the store must be consistent."""

    async def start(name="pod-a", **changes):
        quick = {"retry_backoff_1": "20ms", "retry_backoff_2": "20ms", "retry_backoff_3": "20ms"}
        client = await start_pod(name, **{**quick, **changes})
        wire(client.pod, {"*": scripted})
        return client

    yield start
    loop.run_until_complete(check_consistent(redis))
