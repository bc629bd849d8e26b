"""The way to a server over a slow network."""

import pytest

from notifier.store.address import Address
from notifier.store.inbox import Inbox
from notifier.store.keys import Keys
from notifier.store.single import SingleRedis
from tests.e2e.proxy import Proxy
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import free_port

DELAY = 0.1  # seconds each way


@pytest.fixture
def far_redis(loop, tmp_path):
    """A Redis whose every byte is late, both ways."""
    servers, port = RedisServers(tmp_path), free_port()
    proxy = Proxy(port)
    proxy.delay = proxy.reply_delay = (DELAY, DELAY)
    servers.start(port, "--save", "")

    async def begin():
        await servers.ask(port, "PING")
        await proxy.open()

    loop.run_until_complete(begin())
    yield proxy
    loop.run_until_complete(proxy.cut())
    servers.stop()


async def test_a_connect_takes_a_few_round_trips(far_redis):
    redis = SingleRedis(Address("127.0.0.1", far_redis.port), Keys())
    inbox = Inbox(redis, default_ttl=60.0, maxlen=100)
    assert len(redis._scripts) > 10
    await redis.start()
    assert await redis.wait_up(8 * DELAY)
    assert await inbox.page("1-alice", 1, None, None) == []
    await redis.stop()
