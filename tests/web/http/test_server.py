"""The application over its endpoints: bodies that are awaited before a handler runs, and by their deadline."""

import asyncio
import time

import pytest

from notifier.web.http.protocol import REQUEST_DEADLINE
from tests.support import eventually

HEAD = "Host: localhost\r\nContent-Type: application/json"


async def connect(client):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.app.ctx.server.port)
    return reader, writer, client.app.ctx.server._connections


@pytest.mark.parametrize("options", [{}, {"auth_mode": "token", "admin_token": "x" * 32}], ids=["open", "token"])
@pytest.mark.parametrize(
    "rest",
    ["Content-Length: 8000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\n{"],
    ids=["length", "no chunk", "half a chunk"],
)
@pytest.mark.parametrize("path", ["/api/v1/notify", "/api/v1/notifications"])
async def test_a_body_that_comes_too_slowly(start_pod, path, rest, options):
    client = await start_pod(**options)
    reader, writer, connections = await connect(client)
    writer.write(f"POST {path} HTTP/1.1\r\n{HEAD}\r\nAuthorization: Bearer {'x' * 32}\r\n{rest}".encode())
    await eventually(lambda: [one for one in connections if one.http is not None and one.http.request_body])
    (connection,) = [one for one in connections if one.http is not None and one.http.request_body]
    connection.check_deadlines(time.monotonic() + REQUEST_DEADLINE - 1)
    connection.check_deadlines(time.monotonic() + REQUEST_DEADLINE + 1)
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 408 ") and b"within 15 seconds" in answer
    writer.close()
