"""The connection: who it says it is, a reply that goes lost, and commands that a server carries out late."""

import asyncio
import time

import pytest

from notifier.store.keys import Keys
from notifier.store.redis.address import Address, parse_address, parse_deployment
from notifier.store.redis.link import LinkLost, open_link
from notifier.store.redis.single import SingleRedis
from tests.e2e.proxy import Proxy
from tests.e2e.redis_servers import RedisServers
from tests.e2e.server import free_port
from tests.support import eventually


@pytest.fixture
def server(loop, tmp_path):
    """A redis-server of its own: the processes, and its port."""
    servers, port = RedisServers(tmp_path), free_port()
    servers.start(port, "--save", "")
    loop.run_until_complete(servers.ask(port, "PING"))
    yield servers, port
    servers.stop()


async def connected(port, **address):
    redis = SingleRedis(Address("127.0.0.1", port, **address), Keys())
    await redis.start()
    assert await redis.wait_up(5)
    return redis


async def test_a_swallowed_reply_is_given_to_nobody_else(server):
    _, port = server
    proxy = Proxy(port)
    await proxy.open()
    redis = await connected(proxy.port)
    await redis.call_many([("SET", f"of {user}", user) for user in range(20)])
    for swallowed in (1, 3):
        proxy.swallow = swallowed
        link = redis._link
        answers = []
        for user in range(10):  # some leave together, some alone
            answers.append(asyncio.ensure_future(redis.call("GET", f"of {user}")))
            if user % 3 == 0:
                await asyncio.sleep(0)
        answers = await asyncio.gather(*answers, return_exceptions=True)
        for user, answer in enumerate(answers):
            assert isinstance(answer, LinkLost) or answer == str(user).encode()
        assert any(isinstance(answer, LinkLost) for answer in answers) and not link.up
        await eventually(lambda: redis.up)
        assert await redis.call("GET", "of 7") == b"7"
    await redis.stop()
    await proxy.cut()


async def test_a_server_that_stood_still_carries_nothing_out_once_the_link_is_back(server):
    servers, port = server
    redis = await connected(port)
    number = await redis.call("CLIENT", "ID")
    broken, back = asyncio.Event(), asyncio.Event()
    redis.on_break, redis.on_back = broken.set, back.set
    servers.pause(port)
    late = [asyncio.ensure_future(redis.call("INCR", "late")) for _ in range(100)]
    await asyncio.wait_for(broken.wait(), 5)
    servers.resume(port)
    assert all(isinstance(one, LinkLost) for one in await asyncio.gather(*late, return_exceptions=True))
    await asyncio.wait_for(back.wait(), 5)
    assert f"id={number} ".encode() not in await redis.call("CLIENT", "LIST"), "nobody is left to send more"
    before = await redis.call("GET", "late")
    assert before in (None, b"100") and await redis.call("GET", "late") == before
    await redis.stop()


async def test_a_process_that_was_busy_leaves_the_server_its_time_to_answer(server):
    """Commands queued in a long turn of the loop have only left at its end: until then no server could answer."""
    _, port = server
    lost = asyncio.Event()
    link = await open_link(Address("127.0.0.1", port), 0.3, 1.0, lambda link: lost.set())
    answer = asyncio.ensure_future(link.call("BLPOP", "nothing", 0.15))
    await asyncio.sleep(0)
    time.sleep(0.4)  # this turn takes longer than a server may be silent
    assert await answer is None and not lost.is_set()
    servers, _ = server
    servers.pause(port)
    with pytest.raises(LinkLost):
        await asyncio.wait_for(link.call("PING"), 1.0)
    servers.resume(port)


async def test_a_user_with_few_rights_is_served_and_known_to_be_unsure(server):
    servers, port = server
    await servers.ask(
        port, "ACL", "SETUSER", "few", "on", ">secret", "~*", "+@all", "-echo", "-client|kill", "-client|list"
    )
    redis = await connected(port, username="few", password="secret")
    assert not redis.may_store_late
    assert await redis.call("PING") == b"PONG"
    back = asyncio.Event()
    redis.on_back = back.set
    redis._link.close()
    await asyncio.wait_for(back.wait(), 5)
    assert redis.may_store_late and await redis.call("PING") == b"PONG"
    await redis.stop()


@pytest.mark.parametrize(
    ("rule", "credentials", "configured"),
    [
        ("nopass", "app", ""),
        ("nopass", "app:", ""),
        (">secret", "app:secret", ""),
        (">secret", "app", "secret"),
    ],
)
async def test_a_named_user_is_used_with_and_without_a_password(redis, redis_socket, rule, credentials, configured):
    await redis.call("ACL", "SETUSER", "app", "reset", "on", rule, "~*", "+@all")
    url = f"unix://{credentials}@{redis_socket}"
    address = parse_address(url, configured)
    link = await open_link(address, 5, 5, lambda link: None)
    try:
        assert await link.call("ACL", "WHOAMI") == b"app"
    finally:
        link.close()
        await redis.call("ACL", "DELUSER", "app")


@pytest.mark.parametrize("kind", ["redis://", "rediss://", "redis+sentinel://", "redis+cluster://"])
def test_every_form_of_address_takes_a_user_without_a_password(kind):
    end = "/main" if "sentinel" in kind else ""
    deployment = parse_deployment(f"{kind}app@a:1,b:2{end}" if "+" in kind else f"{kind}app@a:1")
    assert {(seed.username, seed.password) for seed in deployment.seeds} == {("app", "")}
