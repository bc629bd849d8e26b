"""Connections of both clients: when they reconnect, and when they do not."""

import pytest

from notifier.client import Client
from tests.behaviours.peer import id_of, push
from tests.e2e.server import ServerProcess, free_port
from tests.support import eventually

FAST = 20.0


@pytest.fixture
def server(loop, data_dir):
    """The program as a process of its own, with its own Redis."""
    process = ServerProcess(data_dir / "data")
    process.data_dir.mkdir()
    loop.run_until_complete(process.start())
    yield process
    loop.run_until_complete(process.stop())


async def test_server_restart(server, follow):
    """A server that is killed and started again: nothing is missed, nothing comes twice, acks of the meantime count."""
    async with Client(server.url) as sender:

        async def send(text):
            return (await sender.send([(1, "alice")], text, ttl="1h"))[0]["notification_id"]

        before = [await send("one"), await send("two")]
        client = follow(server.url, speed=FAST)
        await client.until("online")
        live = await send("three")
        await client.until("push", id=live)
        server.kill()
        await server.wait()
        await client.until("waiting")
        client.read(before[0], live)
        await server.start()
        after = await send("four")
        await client.until("online")
        await eventually(lambda: len(client.told("read")) == 2 and after in client.told("push"))
        last = await send("five")
        await client.until("push", id=last)
    assert client.told("push") == [*before, live, after, last]
    assert client.told("read") == [before[0], live]
    assert client.told("error") == client.told("cleared") == []
    pending = server.get("/api/v1/admin/pending")["pending_notifications"]["1-alice"]
    assert [one["payload"]["message"] for one in pending] == ["two", "four", "five"]


@pytest.mark.parametrize(("die", "waits"), [(1.0, [1, 2, 4, 8, 16, 30, 30]), (0.0, [0.1] * 7)])
async def test_backoff(loop, follow, die, waits):
    """Nobody there: it waits for a random time below a bound that doubles from 1 s to 30 s."""
    client = follow(f"http://127.0.0.1:{free_port()}", speed=500.0, die=die)
    for _ in waits:
        await client.until("waiting")
    assert client.told("waiting", "delay")[:7] == pytest.approx(waits)


async def test_jitter(loop, follow):
    """With a real die the waits differ."""
    client = follow(f"http://127.0.0.1:{free_port()}", speed=500.0)
    for _ in range(5):
        await client.until("waiting")
    assert len(set(client.told("waiting", "delay"))) > 1


async def test_a_server_that_falls_at_once(peer, follow):
    """A connection that is lost as soon as it is in sync is no success: the waits go on growing."""
    client = follow(peer.url, speed=60.0, die=1.0)
    for _ in range(4):
        link = await peer.accept()
        await link.greet()
        await client.until("online")
        await link.close(1012)
        await client.until("waiting")
    assert client.told("waiting", "delay") == pytest.approx([1, 2, 4, 8])


async def test_a_connection_that_lasted(peer, follow):
    """One that was in sync for five seconds is: the waits begin anew."""
    client = follow(peer.url, speed=60.0, die=1.0)
    for _ in range(3):
        link = await peer.accept()
        await link.close(1012)
        await client.until("waiting")
    link = await peer.accept()
    await link.greet()
    await client.until("online")
    await client.let_pass(5.0)
    await link.close(1012)
    await client.until("waiting")
    assert client.told("waiting", "delay") == pytest.approx([1, 2, 4, 1])


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
async def test_codes_that_say_come_back(peer, follow, code):
    """Any close code but the three that forbid it."""
    client = follow(peer.url, speed=FAST, die=0.0)
    await (await peer.accept()).close(code)
    assert (await client.until("waiting"))["code"] == code
    await (await peer.accept()).greet()
    await client.until("online")


@pytest.mark.parametrize("code", [1008, 4401, 4403])
async def test_codes_that_say_do_not(peer, follow, code):
    """It stops and says so; there is no second connection."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1))
    await client.until("online")
    await link.close(code)
    assert (await client.until("stopped"))["code"] == code
    assert client.told("waiting") == []
    assert peer.is_alone
    assert client.told("push") == [id_of(1)]


async def test_a_code_that_says_do_not_after_a_reconnect(peer, follow):
    """Messages that came before it stopped are told, although the sync was not complete."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1))
    await client.until("online")
    link.cut()
    link = await peer.accept()
    await link.push(1, 2)
    await link.refuse("invalid", "retention.set")
    await client.until("error")
    assert client.told("push") == [id_of(1)]
    await link.close(4401)
    await client.until("stopped", code=4401)
    assert client.told("push") == [id_of(1), id_of(2)]
