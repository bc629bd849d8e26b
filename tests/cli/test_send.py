"""`notifier send` and `notifier healthcheck` against a pod."""

import json
import socket

import pytest

from notifier.domain.ids import is_notification_id
from tests.cli.runner import one_line, run
from tests.support import Inbox


def url(client):
    return f"http://127.0.0.1:{client.port}"


@pytest.fixture
def nowhere():
    """The URL of a port that nobody listens on, and nobody can take."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


async def test_send(client):
    alice, bob = await Inbox.open(client), await Inbox.open(client, 2, "bob")
    options = [
        "--source",
        "shop",
        "--title",
        "T",
        "--link",
        "/x",
        "--category",
        "c",
        "--priority",
        "high",
        "--ttl",
        "1h",
    ]
    answer = await run("send", "--url", url(client), "--to", "1:alice", "--to", "2:bob", *options, "hi\tthere ☃")
    assert (answer.code, answer.err) == (0, "")
    first, second = answer.out.splitlines()
    assert first.startswith("1:alice  ")
    assert second.startswith("2:bob  ")
    for line, inbox in ((first, alice), (second, bob)):
        push = await inbox.receive("notification.push")
        assert is_notification_id(line.split()[1])
        assert push["notification_id"] == line.split()[1]
        assert push["message"] == "hi\tthere ☃"
        found = [push[name] for name in ("source", "title", "url", "category", "priority")]
        assert found == ["shop", "T", "/x", "c", "high"]


async def test_url_of_the_environment_and_its_last_slash(client):
    answer = await run("send", "--to", "1:alice", "x", NOTIFIER_URL=f"{url(client)}/")
    assert answer.code == 0, answer


async def test_the_same_key_sends_once(client):
    arguments = ("send", "--url", url(client), "--to", "1:alice", "--idempotency-key", "k1", "x")
    assert await run(*arguments) == await run(*arguments)
    assert len((await Inbox.open(client)).greeting) == 1


@pytest.mark.parametrize(
    "target", ["alice", "1", ":alice", "0:alice", "x:alice", "1:a b", "1:", "9007199254740992:a", "-1:a"]
)
async def test_a_bad_target(loop, target):
    line = one_line(await run("send", f"--to={target}", "x"), 2)
    assert f"{target!r} is no user; write id:login, such as 1:alice" in line


async def test_a_login_with_a_colon_is_no_user(loop):
    assert "is no user" in one_line(await run("send", "--to", "1:a:b", "x"), 2)


async def test_a_login_of_another_script(client):
    answer = await run("send", "--url", url(client), "--to", "3:bo\u0308b", "x")
    assert answer.out.startswith("3:b\xf6b  ")


async def test_the_server_is_away(loop, nowhere):
    line = one_line(await run("send", "--url", nowhere, "--to", "1:alice", "x"), 1)
    assert line.startswith(f"no server answers at {nowhere}: ")


async def test_a_problem_is_shown(client):
    arguments = ("--url", url(client), "--to", "1:alice", "--ttl", "1y")
    line = one_line(await run("send", *arguments, ""), 1)
    assert "(422)" in line
    assert "message: " in line
    assert "ttl: " in line


async def test_a_server_that_is_something_else(loop):
    async with Other(b"HTTP/1.1 202 OK\r\nContent-Length: 2\r\n\r\nhi") as other:
        line = one_line(await run("send", "--url", other.url, "--to", "1:alice", "x"), 1)
    assert "no notifier" in line


async def test_a_problem_is_one_line_whatever_the_server_says(loop):
    body = b'{"title":"a\\nb","detail":"red \\u001b[31m\\nline"}'
    async with Other(b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as other:
        line = one_line(await run("send", "--url", other.url, "--to", "1:alice", "x"), 1)
    assert "\x1b" not in line
    assert "(500)" in line


class Other:
    """A server that gives everybody the same answer."""

    def __init__(self, answer):
        self._answer = answer

    async def __aenter__(self):
        import asyncio

        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error):
        self._server.close()

    async def _serve(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._answer)
        await writer.drain()
        writer.close()


# -- healthcheck


async def test_healthy(client):
    answer = await run("healthcheck", "--url", url(client))
    assert answer == (0, f"{url(client)} is healthy\n", "")


async def test_not_healthy(client):
    await client.pod.redis.stop()
    line = one_line(await run("healthcheck", "--url", url(client)), 1)
    assert line.startswith(f"{url(client)} is not healthy: redis")


async def test_nobody_there(loop, nowhere):
    assert one_line(await run("healthcheck", "--url", nowhere), 1).startswith(f"no server answers at {nowhere}: ")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 404 No\r\nContent-Length: 17\r\n\r\n" + json.dumps({"components": 5}).encode(),
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
async def test_a_server_that_is_not_well(loop, answer):
    async with Other(answer) as other:
        assert other.url in one_line(await run("healthcheck", "--url", other.url), 1)


async def test_patience_ends(loop):
    class Silent(Other):
        async def _serve(self, reader, writer):
            await reader.read()
            writer.close()

    async with Silent(b"") as other:
        line = one_line(await run("healthcheck", "--url", other.url, "--timeout", "0.1"), 1)
    assert "timed out" in line


# -- through a channel


async def test_send_through_a_channel(client):
    options = ["--channel", "email", "--recipient", "ada@example.com", "--title", "T", "--priority", "high"]
    answer = await run("send", "--url", url(client), *options, "--at", "2099-01-01T00:00:00Z", "hi")
    assert (answer.code, answer.err) == (0, "")
    to, identity, status = answer.out.split()
    assert (to, status) == ("email:ada@example.com", "scheduled")
    found = (await client.get(f"/api/v1/notifications/{identity}")).json()
    assert [found[name] for name in ("subject", "priority", "content")] == ["T", "high", "hi"]


async def test_send_to_a_user_through_a_channel(client):
    answer = await run("send", "--url", url(client), "--channel", "push", "--user", "1-alice", "hi")
    assert answer.out.startswith("push:1-alice  ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say to whom"),
        (["--recipient", "a@b.example"], "--recipient needs --channel"),
        (["--channel", "sms"], "name one --recipient or one --user"),
        (["--channel", "sms", "--to", "1:alice", "--user", "1"], "name one --recipient or one --user"),
        (["--channel", "sms", "--recipient", "+905551234567", "--ttl", "1h"], "--ttl is for the inbox"),
        (["--channel", "fax", "--recipient", "1"], "fax"),
    ],
)
async def test_wrong_ways_to_send(options, said):
    assert said in one_line(await run("send", *options, "hi"), 2)


async def test_a_bad_recipient_is_named(client):
    answer = await run("send", "--url", url(client), "--channel", "sms", "--recipient", "123", "hi")
    assert "recipient: must be a number in E.164" in one_line(answer, 1)
