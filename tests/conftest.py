"""Fixtures of all tests: a real redis-server for the session, pods in this process, and pytest-sanic over both."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_sanic.utils
import websockets
from sanic import HTTPResponse

from notifier.config import load
from notifier.pod.app import App
from notifier.serving.process import Server, bind
from notifier.store.embedded.binary import find_redis
from notifier.store.keys import Keys
from notifier.store.redis.address import Address
from notifier.store.redis.single import SingleRedis
from notifier.web.http import mount
from tests.quick import make_quick, sweep_less_often
from tests.support import leaked_keys
from tests.view import View

STOP_WITHIN = 5.0


# pytest-sanic 1.9.1 knows Sanic's server of 2021: its two ends are replaced by the program's own start and stop.


async def _start_server(self):
    self.server = self.app.ctx.server
    await self.server.open()
    self.port = self.server.port
    self.is_running = True


async def _close(self):
    if self.is_running:
        self.is_running = False
        await self.server.close(STOP_WITHIN)


async def _ws_connect(self, uri, *args, **kwargs):
    connection = await websockets.connect(f"ws://127.0.0.1:{self._server.port}{uri}", *args, **kwargs)
    self._websockets.append(connection)
    return connection


pytest_sanic.utils.TestServer.start_server = _start_server
pytest_sanic.utils.TestServer.close = _close
pytest_sanic.utils.TestClient.ws_connect = _ws_connect

make_quick()


def pytest_collection_finish(session):
    sweep_less_often()


# Whatever a handler returns in any test is of the type that its route declares, encoded JSON too.
_answer_of = mount.answer_of


def _answer_of_declared_type(route, result):
    body = result.body if isinstance(result, mount.Reply) else result
    if not isinstance(result, HTTPResponse):
        _check_result(route, body)
    return _answer_of(route, result)


def _check_result(route, body):
    kind = Any if route.result is None else route.result
    assert (body is None) == (route.result is None), f"{route.handler} returns {body!r}, not {route.result}"
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    found = msgspec.json.decode(encoded, type=kind)
    assert isinstance(body, bytes) or type(body) is type(found), f"{route.handler} returns {type(body)}, not {kind}"
    whole = msgspec.json.encode(found, order="sorted")
    assert whole == msgspec.json.encode(msgspec.json.decode(encoded), order="sorted"), f"{route.handler}: {encoded}"


mount.answer_of = _answer_of_declared_type


@pytest.fixture(autouse=True)
def log_level():
    """A pod whose settings are changed while it runs sets the level of all logs: not beyond its test."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


@pytest.fixture(scope="session")
def redis_socket(tmp_path_factory):
    """The unix socket of a redis-server that runs as long as the session."""
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "s"
    binary = find_redis()
    process = subprocess.Popen(
        [
            binary.path,
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--dir",
            str(folder),
            "--save",
            "",
            "--appendonly",
            "yes",  # else /health says, rightly, that what is accepted may be lost
            "--appendfsync",
            "no",
        ],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    with socket.socket(socket.AF_UNIX) as probe:
        while probe.connect_ex(str(path)):
            assert process.poll() is None and time.monotonic() < deadline, "redis-server did not start"
    yield path
    process.terminate()
    process.wait(10)


@pytest.fixture
def redis(loop, redis_socket):
    """A view of an empty store; when the test is over, every key has a lifetime or is listed as permanent."""
    view = View(str(redis_socket))
    loop.run_until_complete(view.call("FLUSHALL"))

    async def end():
        leaked = await leaked_keys(view)
        await view.stop()
        return leaked

    yield view
    leaked = loop.run_until_complete(end())
    assert not leaked, f"keys without a lifetime: {leaked}"


@pytest.fixture
def store(loop, redis, redis_socket):
    """The program's client of the same store, for parts that are tested alone."""
    client = SingleRedis(Address(path=str(redis_socket)), Keys())

    async def begin():
        await client.start()
        assert await client.wait_up(5)

    loop.run_until_complete(begin())
    yield client
    loop.run_until_complete(client.stop())


@pytest.fixture
def lean_path(request):
    """LEAN_PATH of the pods; see `OVER_BOTH_PATHS` in support.py."""
    return getattr(request, "param", "on")


@pytest.fixture
def settings(redis_socket, tmp_path, lean_path):
    """Builds settings for a pod on the session's store, with a name of its own and what the test wants changed."""

    def build(pod="pod-a", **changes):
        values = {"server_addr": "127.0.0.1:0", "redis_addr": f"unix://{redis_socket}", "pod_id": pod}
        values |= {"data_dir": str(tmp_path), "janitor_interval": "1h", "log_level": "error", "lean_path": lean_path}
        return load(values | changes, {})

    return build


@pytest.fixture
def start_pod(loop, redis, settings, sanic_client):
    """Starts pods in this process: `client = await start_pod(**changes)`; `client.pod` is the `App`."""

    async def start(pod="pod-a", **changes):
        app = App(settings(pod, **changes))
        server = Server(app, bind(app.settings.host, app.settings.port))
        client = await sanic_client(server.web, verify=False)  # no TLS here: authorities need not be read
        client.pod = app
        return client

    return start


@pytest.fixture
def client(loop, start_pod):
    """One pod with default settings, and its HTTP and WebSocket client."""
    return loop.run_until_complete(start_pod())


@pytest.fixture
def data_dir(tmp_path):
    """A folder for an embedded Redis, with a short path."""
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"notifier-test-{os.getpid()}-{time.monotonic_ns() % 10**9}"
    folder.mkdir(mode=0o700)
    yield folder
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_loop():
    """A loop of its own for code that is not under pytest-sanic's."""
    return asyncio.new_event_loop
