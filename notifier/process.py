"""One serving process: socket, signals, and the phases of start and stop around the parts of `app.py`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
import time
from typing import Any

import uvloop
from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP
from sanic.server import AsyncioServer

from notifier import __version__
from notifier.app import App
from notifier.config import Settings
from notifier.store.embedded import EmbeddedRedisError
from notifier.telemetry import configure_logging
from notifier.web.protocol import NotifierProtocol

BACKLOG = 4096
DRAIN_POLL = 0.02

log = logging.getLogger("notifier.process")


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


class Server:
    """The HTTP server of one pod: opened on a socket, drained and closed."""

    def __init__(self, app: App, sock: socket.socket) -> None:
        self.app = app
        self.sock = sock
        Sanic.test_mode = True  # several applications of one name may follow each other in one process
        self.web = app.web()
        self.web.ctx.server = self
        self._server: AsyncioServer | None = None
        self._watch: asyncio.Task[None] | None = None
        self._connections: set[Any] = set()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.sock.getsockname()[1])

    async def open(self) -> None:
        """Starts the parts, then accepts."""
        await self.app.start()
        web = self.web
        web.asgi = False
        server = await web.create_server(
            sock=self.sock,
            protocol=NotifierProtocol,
            return_asyncio_server=True,
            backlog=BACKLOG,
            access_log=False,
            asyncio_server_kwargs={"start_serving": False},
        )
        assert server is not None
        # Sanic takes its placeholder of an Alt-Svc header out when it knows of one server, of HTTP/1.
        web.state.server_info.append(ApplicationServerInfo(settings={"version": HTTP.VERSION_1}))
        await server.startup()
        await server.before_start()
        await server.after_start()
        await server.start_serving()
        self._server = server
        self._connections = server.connections
        self._watch = asyncio.create_task(self._watch_deadlines())

    async def close(self, timeout: float) -> None:
        """Stops accepting, sends sockets away with 1012, lets requests end, stops the parts; `timeout` in seconds."""
        deadline = time.monotonic() + timeout
        if self._server is not None and self._server.server is not None:
            self._server.server.close()
        if self._watch is not None:
            self._watch.cancel()
        self.app.events.end_all()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._drain()
        for connection in list(self._connections):
            connection.abort()
        await self.app.stop(max(1.0, deadline - time.monotonic()))

    async def _drain(self) -> None:
        while self._connections:
            for connection in list(self._connections):
                connection.close_if_idle()
            await asyncio.sleep(DRAIN_POLL)

    async def _watch_deadlines(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for connection in list(self._connections):
                connection.check_deadlines(now)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises `StartError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        cure = "another program has it; choose another with --addr" if error.errno == errno.EADDRINUSE else str(error)
        raise StartError(f"cannot listen on {host or '*'}:{port}: {cure}") from None
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT; the exit code. Raises `StartError`."""
    if settings.auth_mode == "token":
        raise StartError("AUTH_MODE=token is not there yet; a server that ignored it would let everybody in")
    configure_logging(settings.log_level, settings.log_format, settings.pod_id)
    _warn_of_open_door(settings)
    sock = bind(settings.host, settings.port)
    try:
        return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_serve(settings, sock))
    except EmbeddedRedisError as error:
        raise StartError(str(error)) from None
    finally:
        sock.close()


async def _serve(settings: Settings, sock: socket.socket) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = App(settings)
    server = Server(app, sock)
    try:
        await server.open()
        _announce(settings, server.port, app)
        await stop.wait()
        log.info("server.stops")
    finally:
        await server.close(settings.shutdown_timeout)
    log.info("server.stopped")
    return 0


def _announce(settings: Settings, port: int, app: App) -> None:
    host = settings.host or "localhost"
    store = "its own Redis" if app.embedded is not None else str(app.deployment)
    log.info("server.ready", extra={"url": f"http://{host}:{port}", "store": store, "version": __version__})
    if sys.stdout.isatty():
        print(f"\n  notifier {__version__}  http://{host}:{port}  store: {store}\n", flush=True)


def _warn_of_open_door(settings: Settings) -> None:
    if settings.auth_mode == "none" and settings.host not in ("127.0.0.1", "::1", "localhost"):
        log.warning("auth.none", extra={"address": settings.server_addr, "cure": "set AUTH_MODE=token"})
