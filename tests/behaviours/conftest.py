"""Every behaviour is run with both clients. A test opens them with `follow`."""

import pytest

from tests.behaviours import driver
from tests.behaviours.peer import Peer
from tests.e2e.proxy import Proxy


@pytest.fixture(scope="package")
def processes():
    """The drivers that run, by kind and skew."""
    running = {}
    yield running
    for process in running.values():
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(params=["python", pytest.param("javascript", marks=pytest.mark.slow)])  # as all that needs Node.js
def kind(request):
    """The client under test."""
    return request.param


@pytest.fixture
def follow(loop, kind, processes):
    """Opens a client: `follow(url, …)` as `Driven.connect`; `ahead` is how wrong its wall clock is, in seconds."""
    opened = []

    def open_one(url, ahead=0.0, **options):
        if (kind, ahead) not in processes:
            processes[kind, ahead] = driver.start(kind, ahead)
        client = driver.Driven(processes[kind, ahead])
        opened.append(client)
        client.connect(url, **options)
        return client

    yield open_one
    for client in opened:
        loop.run_until_complete(client.close())


@pytest.fixture
def peer(loop):
    """A scripted server."""
    found = Peer()
    loop.run_until_complete(found.open())
    yield found
    loop.run_until_complete(found.close())


@pytest.fixture
def network(loop):
    """Puts a network that can be cut before a pod: `await network(pod)`."""
    opened = []

    async def before(pod):
        proxy = Proxy(pod.port)
        await proxy.open()
        opened.append(proxy)
        return proxy

    yield before
    for proxy in opened:
        loop.run_until_complete(proxy.cut())
