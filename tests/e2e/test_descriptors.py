"""A server whose descriptors are used up by connections: it says so, and its Redis comes back all the same."""

import asyncio
import contextlib
import json
import resource
import socket
import sys
import time

import pytest

from tests.e2e.server import ServerProcess

SOFT, HARD = 100, 160
PATIENCE = 10.0


@pytest.fixture
def limited(loop, data_dir):
    """A server with few descriptors; ended also after a failure."""
    shell = f'ulimit -Sn {SOFT}; ulimit -Hn {HARD}; exec "$0" "$@"'
    command = ("bash", "-c", shell, sys.executable, "-m", "notifier")
    server = ServerProcess(data_dir / "data", command=command, LOG_FORMAT="json")
    yield server
    if not server.ended:
        loop.run_until_complete(server.stop())


async def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not (found := await asyncio.to_thread(condition)):
        assert time.monotonic() < deadline, f"{what} did not come true"
        await asyncio.sleep(0.02)
    return found


def answer_of(sock):
    """The answer to a connection that asks nothing; empty when it was dropped, None while it is kept."""
    sock.setblocking(False)
    try:
        return sock.recv(4096)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


async def test_connections_are_refused_and_redis_comes_back(limited):
    server = limited
    await server.start()
    assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[0] == HARD
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(2 * HARD)]
        await until(lambda: any(e["event"] == "connections.refused" for e in server.events()), "the line in the log")
        answers = [answer for answer in map(answer_of, sockets) if answer]
        assert answers and all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)
        assert json.loads(answers[0].partition(b"\r\n\r\n")[2])["status"] == 503
        first = server.redis_pid
        assert server.kill_redis()
        await until(lambda: server.redis_pid not in (None, first), "the restart of Redis")
    health = await until(lambda: server.is_ready() and server.get_health(), "the server")
    assert health["components"]["redis"]["restarts"] == 1
    lines = [event for event in server.events() if event["event"] == "connections.refused"]
    assert len(lines) <= 2 and lines[0]["limit"] == HARD
    assert await server.stop() == 0
