"""`notifier client` against a pod: what it prints, what it marks read, how it ends."""

import asyncio
import json
import os
import sys

import pytest

from notifier.cli.text import safe, safe_json
from tests.cli.runner import ROOT, Command, environment, run
from tests.e2e.server import free_port
from tests.support import Inbox, eventually, expire_payloads, notify

WHO = ("--user-id", "1", "--login", "alice")


@pytest.fixture
def port():
    """A port that nobody listens on yet."""
    return free_port()


def url(client):
    return f"http://127.0.0.1:{client.port}"


def following(client, *arguments, **changes):
    return Command("client", "--url", url(client), *arguments, **changes)


async def test_prints_what_comes(client):
    await notify(client, "first", source="shop", title="T")
    async with following(client, *WHO, "--no-ack") as command:
        assert await command.complaint() == f"connected to {url(client)}"
        line = await command.line()
        assert line.startswith("● ")
        assert line.endswith("  [shop] T: first  (unread)")
        assert await command.line() == "in sync: 1 unread of 1"
        await notify(client, "second")
        assert (await command.line()).endswith("  second  (unread)")
        answer = await command.interrupt()
    assert answer == (0, "", "")


async def test_who_it_follows_by_default(client):
    async with following(client, "--no-ack") as command:
        await command.line_with("in sync")
        await notify(client, "hi", targets=[{"id": 1, "login": "test_user"}])
        assert "hi" in await command.line()
    async with following(client, "--no-ack", DEV_USER_ID="7", DEV_LOGIN="bob") as command:
        await command.line_with("in sync")
        await notify(client, "hi", targets=[{"id": 7, "login": "bob"}])
        assert "hi" in await command.line()


async def test_marks_read(client):
    (nid,) = await notify(client)
    async with following(client, *WHO, "--ack-after", "0s") as command:
        await command.line_with("unread")
        assert await command.line_with("read   ") == f"read            {nid}"
        assert (await command.interrupt()).code == 0
    (push,) = (await Inbox.open(client)).greeting
    assert push["status"] == "read"
    assert client.pod.metrics.acked == 1


async def test_leaves_unread(client):
    await notify(client)
    async with following(client, *WHO, "--no-ack") as command:
        await command.line_with("in sync")
        assert (await command.interrupt()).code == 0
    assert (await Inbox.open(client)).synced == {"pending": 1, "total": 1}


async def test_json(client):
    (nid,) = await notify(client, "hi\x1b[31m")
    async with following(client, *WHO, "--ack-after", "0s", "--json") as command:
        messages = [json.loads(await command.line()) for _ in range(3)]
    assert {m["type"] for m in messages} == {"notification.push", "sync.complete", "notification.read.ack"}
    push = next(m["data"] for m in messages if m["type"] == "notification.push")
    assert (push["notification_id"], push["message"]) == (nid, "hi\x1b[31m")


async def test_json_is_plain_for_a_terminal_too(client):
    await notify(client, "\x1b[31m\u202e\x9b☃")
    async with following(client, *WHO, "--no-ack", "--json") as command:
        line = await command.line()
    assert line.isprintable()
    assert "☃" in line
    assert json.loads(line)["data"]["message"] == "\x1b[31m\u202e\x9b☃"


async def test_control_characters_are_escaped(client):
    await notify(client, "a\x1b[31mb\r\nc\u202ed☃", source="\x07", title="\x9b2J")
    async with following(client, *WHO, "--no-ack") as command:
        line = await command.line()
    assert line.endswith("  [\\x07] \\x9b2J: a\\x1b[31mb\\r\\nc\\u202ed☃  (unread)")
    assert line.isprintable()


async def test_what_expired_unread_is_told(client, redis):
    (nid,) = await notify(client)
    async with following(client, *WHO, "--no-ack") as command:
        await command.line_with("in sync")
        await expire_payloads(redis)
        client.pod.janitor._now = lambda: 4e9
        await client.pod.janitor.sweep()
        assert await command.line() == f"expired unread  {nid}"


async def test_comes_back_when_the_server_does(start_pod, port):
    first = await start_pod(server_addr=f"127.0.0.1:{port}")
    await notify(first, "before")
    async with following(first, *WHO, "--no-ack") as command:
        await command.line_with("in sync")
        await first.server.close()
        await command.complaint()
        assert "(1012); trying again in " in await command.complaint()
        second = await start_pod(server_addr=f"127.0.0.1:{port}")
        await command.line_with("in sync")
        await notify(second, "after")
        assert "  after  " in await command.line()
        answer = await command.interrupt()
    assert answer.code == 0
    assert answer.out == ""


async def test_waits_for_a_server_that_is_not_there_yet(start_pod, port):
    command = Command("client", "--url", f"http://127.0.0.1:{port}", *WHO)
    async with command:
        assert "trying again in" in await command.complaint()
        pod = await start_pod(server_addr=f"127.0.0.1:{port}")
        assert await command.line_with("in sync")
        assert pod.port == port
        assert (await command.interrupt()).code == 0


async def test_ctrl_c_while_it_waits(loop, port):
    async with Command("client", "--url", f"http://127.0.0.1:{port}") as command:
        await command.complaint()
        answer = await command.interrupt()
    assert answer.code == 0
    assert "Traceback" not in answer.err


async def test_a_server_without_such_an_endpoint(client):
    answer = await run("client", "--url", f"{url(client)}/else/where", *WHO)
    assert answer.code == 1
    assert answer.err == "notifier: the server refuses the connection: 404 Invalid response status\n"


async def test_no_colour_where_there_is_no_terminal(client):
    await notify(client)
    async with following(client, *WHO, "--no-ack") as command:
        assert "\x1b" not in await command.line()


@pytest.mark.parametrize(("changes", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
async def test_colour_on_a_terminal(client, changes, coloured):
    await notify(client, "hello")
    master, slave = os.openpty()
    arguments = (sys.executable, "-m", "notifier", "client", "--url", url(client), *WHO, "--no-ack")
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=slave, stderr=slave, env=environment(**changes), cwd=ROOT
    )
    os.close(slave)
    os.set_blocking(master, False)
    seen = bytearray()

    def read():
        try:
            seen.extend(os.read(master, 65536))
        except OSError:
            return False
        return b"in sync" in seen

    try:
        await eventually(read, "the greeting")
    finally:
        process.kill()
        await process.wait()
        os.close(master)
    assert (b"\x1b[1m" in seen) is coloured


@pytest.mark.parametrize(
    ("text", "shown"), [("a☃ é", "a☃ é"), ("\x00\x1b", "\\x00\\x1b"), ("\u2028\ue000", "\\u2028\\ue000"), (5, "5")]
)
def test_safe(text, shown):
    assert safe(text) == shown


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2028", "\U000e0001", '"', "☃"])
def test_safe_json(char):
    text = safe_json({char: [char]})
    assert text.isprintable()
    assert json.loads(text) == {char: [char]}
