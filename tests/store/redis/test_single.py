"""The link to one server: over a slow network, and when Sentinel names another master."""

import pytest

from notifier.store.inbox import Inbox
from notifier.store.inbox_values import InboxPolicy
from notifier.store.keys import Keys
from notifier.store.redis.address import Address
from notifier.store.redis.single import SingleRedis
from tests.e2e.proxy import Proxy
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import free_port
from tests.support import eventually

DELAY = 0.1  # seconds each way


@pytest.fixture
def start_redis(loop, tmp_path):
    """Starts a server on a port of its own, which it returns."""
    servers = RedisServers(tmp_path)

    async def start():
        port = free_port()
        servers.start(port, "--save", "")
        await servers.ask(port, "PING")
        return port

    yield start
    servers.stop()


async def test_a_connect_takes_a_few_round_trips(start_redis):
    proxy = Proxy(await start_redis())
    proxy.delay = proxy.reply_delay = (DELAY, DELAY)
    await proxy.open()
    redis = SingleRedis(Address("127.0.0.1", proxy.port), Keys())
    inbox = Inbox(redis, InboxPolicy(60_000, 100))
    assert len(redis._scripts) > 10
    await redis.start()
    assert await redis.wait_up(8 * DELAY)
    assert await inbox.page("1-alice", 1, None, None) == []
    await redis.stop()
    await proxy.cut()


async def test_another_master_is_followed_although_the_old_one_answers(start_redis):
    old, new = [Address("127.0.0.1", await start_redis()) for _ in range(2)]
    master = old

    async def locate():
        if master is None:
            raise ConnectionError("no sentinel knows the master")
        return master

    redis = SingleRedis(old, Keys(), locate=locate)
    await redis.start()
    assert await redis.wait_up(5)
    link = redis._link
    master = None
    assert not await redis._has_moved(locate), "sentinels that do not answer are no reason to leave"
    master = new
    await eventually(lambda: redis.up and redis._link is not link)
    assert redis.address == new
    assert await redis.call("PING") == b"PONG"
    await redis.stop()
