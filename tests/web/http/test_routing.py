"""HEAD on every route that takes GET: over the wire, since what may not come is a body."""

import asyncio

import pytest

from tests.support import LONG


async def ask(client, *requests):
    """Sends requests on one connection; all that comes until the server ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    lines = [f"{line} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: r\r\n" for line in requests]
    writer.write(("\r\n".join(lines) + "Connection: close\r\n\r\n").encode())
    data = await asyncio.wait_for(reader.read(), LONG)
    writer.close()
    return data.decode()


def parse(answer):
    head, _, body = answer.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


def paths_of(app):
    """The paths whose GET has an end and does nothing, with a name that nothing has in each parameter's place."""
    return sorted(
        "/" + "/".join("x" if part[:1] == "<" else part for part in route.path.split("/"))
        for route in app.router.routes
        if "GET" in route.methods and not any(getattr(route.ctx, name, False) for name in ("streams", "acts"))
    )


async def test_head_says_what_get_says_without_a_body(client):
    changing = ("content-length", "date", "x-request-id")  # of what is another at every look
    paths = paths_of(client.app)
    assert len(paths) > 30
    for path in paths:
        status, headers, body = parse(await ask(client, f"HEAD {path}"))
        wanted, theirs, whole = parse(await ask(client, f"GET {path}"))
        assert (status, body) == (wanted, ""), path
        assert {n: v for n, v in headers.items() if n not in changing} == {
            n: v for n, v in theirs.items() if n not in changing
        }, path
        assert (int(headers["content-length"]) > 0) == (len(whole) > 0), path


async def test_the_connection_goes_on_after_a_head(client):
    answers = await ask(client, "HEAD /health/live", "HEAD /nowhere", "GET /health/live")
    assert [line.split()[1] for line in answers.split("\r\n") if line.startswith("HTTP/1.1")] == ["200", "404", "200"]
    assert answers.count("{") == 1


@pytest.mark.parametrize("path", ["/ws", "/api/v1/admin/events", "/1-alice/publish", "/ntfy/1-alice/trigger"])
async def test_streams_and_what_acts_take_no_head(client, path):
    status, headers, body = parse(await ask(client, f"HEAD {path}"))
    assert (status, body) == (405, "")
    assert path.endswith(("publish", "trigger")) or headers["allow"] == "get"
    assert (await client.get("/api/v1/inbox?user_id=1&login=alice")).json()["items"] == []


@pytest.mark.parametrize(
    "line", ["GET /nowhere", "PATCH /nowhere", "GET /no/where", "DELETE /nowhere", "GET /a/b/clear"]
)
async def test_what_any_word_may_begin_is_not_there_to_other_methods(client, line):
    status, headers, _ = parse(await ask(client, line))
    assert (status, headers["content-type"]) == (404, "application/problem+json")


async def test_what_takes_no_get_takes_no_head(client):
    status, headers, _ = parse(await ask(client, "HEAD /api/v1/notify"))
    assert (status, headers["allow"]) == (405, "post, delete")


async def test_a_head_needs_the_token_that_a_get_needs(start_pod):
    guarded = await start_pod(auth_mode="token", admin_token="t" * 32)
    status, headers, body = parse(await ask(guarded, "HEAD /api/v1/admin/users"))
    assert (status, headers["www-authenticate"], body) == (401, "bearer", "")
