"""One serving process: socket, signals, and the phases of start and stop around the parts of `pod/app.py`."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import gc
import inspect
import linecache
import logging
import os
import socket
import ssl
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP
from sanic.touchup import TouchUp

from notifier import __version__
from notifier.config import Change, Settings, SettingsError, compare
from notifier.domain.times import format_duration
from notifier.errors import NotifierError
from notifier.packaged.files import hold_all
from notifier.pod.app import App
from notifier.serving.scoreboard import Seat
from notifier.serving.signals import Signals, tell_supervisor
from notifier.store.embedded.server import EmbeddedRedisError
from notifier.store.redis.address import parse_deployment
from notifier.telemetry.logs import configure_logging
from notifier.web.http.descriptors import raise_limit
from notifier.web.http.protocol import NotifierProtocol
from notifier.web.http.tls import HANDSHAKE_TIMEOUT, TlsError, server_context

BACKLOG = 4096
DRAIN_POLL = 0.02
LOOKS_PER_TURN = 50  # connections; thousands that are ended together would hold all others up for a second
# libuv looks up names in half of its threads: with its default of 4, two names whose servers are silent (a recipient's
# host may be one) hold up every other lookup for half a minute. It makes them all at the first lookup, 0.1 MB together.
LOOKUP_THREADS = "64"
MIN_ADMIN_TOKEN = 16  # characters; a shorter one is logged as guessable

Loader = Callable[[], Settings]  # reads the settings again; raises `SettingsError`

log = logging.getLogger("notifier.process")


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


class Server:
    """The HTTP server of one instance: opened on a socket, drained and closed."""

    def __init__(self, app: App, sock: socket.socket, *others: socket.socket) -> None:
        """`others` are sockets of the same port, as of IPv6 beside IPv4."""
        self.app = app
        self.sock = sock
        self._others = others
        Sanic.test_mode = True  # several applications of one name may follow each other in one process
        self.web = app.web()
        self.web.ctx.server = self
        self._servers: list[asyncio.AbstractServer] = []
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
        tls = tls_of(self.app.settings)
        server = await web.create_server(
            sock=self.sock,
            protocol=NotifierProtocol,
            return_asyncio_server=True,
            backlog=BACKLOG,
            access_log=False,
            ssl=tls,
            asyncio_server_kwargs={"start_serving": False}
            | ({"ssl_handshake_timeout": HANDSHAKE_TIMEOUT} if tls is not None else {}),
        )
        assert server is not None
        # Sanic takes its placeholder of an Alt-Svc header out when it knows of one server, of HTTP/1.
        web.state.server_info.append(ApplicationServerInfo(settings={"version": HTTP.VERSION_1}))
        await server.startup()
        await server.before_start()
        await server.after_start()
        await server.start_serving()
        assert server.server is not None
        self._connections = server.connections
        self._servers = [server.server, *[await self._also_on(sock, tls) for sock in self._others]]
        self._watch = asyncio.create_task(self._watch_deadlines())

    async def _also_on(self, sock: socket.socket, tls: ssl.SSLContext | None) -> asyncio.AbstractServer:
        """Accepts on one more socket what Sanic accepts on its own."""
        loop = asyncio.get_running_loop()
        protocol = partial(NotifierProtocol, loop=loop, app=self.web, connections=self._connections)
        within = HANDSHAKE_TIMEOUT if tls is not None else None
        return await loop.create_server(protocol, sock=sock, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=within)

    async def close(self, timeout: float, hurry: asyncio.Event | None = None) -> None:
        """Stops accepting, closes WebSockets with 1012, waits for open requests, stops the parts.

        `timeout` in seconds; once `hurry` is set, only the handing over of locks is waited for.
        """
        deadline = time.monotonic() + timeout
        hurry = hurry or asyncio.Event()
        for server in self._servers:
            server.close()
        if self._watch is not None:
            self._watch.cancel()
        self.app.close_clients()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._drain(hurry)
        for connection in list(self._connections):
            connection.abort()
        await self.app.stop(1.0 if hurry.is_set() else max(1.0, deadline - time.monotonic()))

    async def _drain(self, hurry: asyncio.Event) -> None:
        while self._connections and not hurry.is_set():
            for connection in list(self._connections):
                connection.close_if_idle()
            await asyncio.sleep(DRAIN_POLL)

    async def _watch_deadlines(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for number, connection in enumerate(list(self._connections), 1):
                connection.check_deadlines(now)
                if number % LOOKS_PER_TURN == 0:
                    await asyncio.sleep(0)


_CURES = {
    errno.EADDRINUSE: "another program has it; choose another with --addr",
    errno.EADDRNOTAVAIL: "this machine has no such address; choose another with --addr",
    errno.EACCES: "ports below 1024 are for root; choose another with --addr",
}


def listen(settings: Settings) -> list[socket.socket]:
    """Listening sockets at `SERVER_ADDR`, one for each kind of address that it stands for; raises `StartError`.

    Browsers try `localhost` at `::1` first: another program there would get our requests.
    """
    host, *others = settings.hosts
    socks = [bind(host, settings.port)]
    port = int(socks[0].getsockname()[1])
    try:
        socks += [bind(other, port, beside=True) for other in others if _has_address(other)]
    except StartError:
        socks[0].close()
        raise
    return socks


def _has_address(host: str) -> bool:
    """True when this machine has the IPv6 address; kernels and containers can lack it."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def bind(host: str, port: int, beside: bool = False) -> socket.socket:
    """A listening socket, of IPv6 alone where it stands beside one of IPv4; raises `StartError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if beside:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        cure = _CURES.get(error.errno or 0, (error.strerror or "it does not say why").lower())
        where = f"[{host}]" if ":" in host else host or "*"
        raise StartError(f"cannot listen on {where}:{port}: {cure}") from None
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def run(settings: Settings, load: Loader) -> int:
    """Serves until SIGTERM or SIGINT; the exit code. Raises `StartError`."""
    begin(settings)
    socks = listen(settings)
    try:
        return run_loop(settings, socks, load)
    except EmbeddedRedisError as error:
        raise StartError(str(error)) from None
    finally:
        for sock in socks:
            sock.close()


def run_loop(settings: Settings, socks: Sequence[socket.socket], load: Loader, seat: Seat | None = None) -> int:
    """Serves on open sockets until told to stop; the exit code. `seat` is a worker's place on the scoreboard."""
    os.environ.setdefault("UV_THREADPOOL_SIZE", LOOKUP_THREADS)
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_serve(settings, socks, load, seat))


def begin(settings: Settings) -> None:
    """Prepares the process before anything is opened: TLS and Kafka checks, logs, limits, files held open.

    Raises `StartError` and `SettingsError`.
    """
    tls_of(settings)
    check_kafka(settings)
    configure_logging(settings.log_level, settings.log_format, settings.pod_id)
    raise_limit()
    hold_all()
    hold_sources()
    _warn_of_open_access(settings)


def hold_sources() -> None:
    """Keeps in memory the sources that Sanic reads for every server it makes, to rewrite some of its own methods: so a
    worker can be forked again when the executable's unpacked folder is gone (packaged/files.py)."""
    for target, method in TouchUp._registry:
        path = inspect.getsourcefile(getattr(target, f"_{method}", getattr(target, method)))
        if path is not None and Path(path).is_file():
            packed = zlib.compress(Path(path).read_bytes())
            linecache.cache[path] = (partial(_unpack, packed),)  # which linecache calls where there is no file


def _unpack(packed: bytes) -> str:
    return zlib.decompress(packed).decode()


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context of `TLS_CERT` and `TLS_KEY`, None without them; raises `StartError`."""
    try:
        return server_context(settings.tls_cert, settings.tls_key)
    except TlsError as error:
        raise StartError(str(error)) from None


def check_kafka(settings: Settings) -> None:
    """Checks the options with librdkafka, where Kafka is read; raises `SettingsError`."""
    if not settings.reads_kafka:
        return
    from notifier.ingest.options import check_options, options_of

    try:
        check_options(options_of(settings.kafka_brokers, settings.consumer_group, settings.pod_id, settings.kafka))
    except NotifierError as error:
        raise SettingsError(error.message) from None


async def _serve(settings: Settings, socks: Sequence[socket.socket], load: Loader, seat: Seat | None) -> int:
    supervisor = os.getppid()
    app = App(settings, seat)
    server = Server(app, *socks)
    signals = Signals(lambda: _reload(app, load), supervised=seat is not None)
    signals.install()
    try:
        await server.open()
        give_back_memory()
        _spare_collections()
        if app.tally is None:
            announce(settings, socks[0], 1)
        else:
            app.tally.open()
            tell_supervisor(supervisor)
        await signals.stop.wait()
        log.info("server.stopping")
    finally:
        await server.close(app.settings.shutdown_timeout, signals.hurry)
        signals.ignore()
    log.info("server.stopped")
    return 0


def give_back_memory() -> None:
    """Frees the sources that Sanic has read, 0.4 MB, and gives pages that the start has freed back to the kernel."""
    linecache.clearcache()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)


def _spare_collections() -> None:
    """Runs the garbage collector less often, and never again over what is loaded.

    With Python's own settings it takes a tenth of the CPU under load. What holds sockets and requests is freed by
    counting references; cycles are few.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _reload(app: App, load: Loader) -> None:
    try:
        change = compare_and_log(app.settings, load)
    except SettingsError as error:
        log.error("settings.kept", extra={"error": str(error)})
    else:
        app.reconfigure(change.settings)


def compare_and_log(current: Settings, load: Loader) -> Change:
    """Reads the settings again, and logs which changes are applied and which need a restart. Raises `SettingsError`."""
    change = compare(current, load())
    log.info("settings.reloaded", extra={"taken": change.taken, "need_restart": change.waiting})
    return change


def announce(settings: Settings, sock: socket.socket, workers: int) -> None:
    """Logs for how long inboxes are kept, then `server.ready` with the URL, and tells the service manager."""
    kept_for = format_duration(settings.notification_ttl)
    cure = "NOTIFICATION_TTL and STREAM_MAXLEN; a request's ttl and a user's retention go before the first"
    log.info("inbox.kept", extra={"kept_for": kept_for, "per_user": settings.stream_maxlen, "set_by": cure})
    url = f"{'https' if settings.tls_cert else 'http'}://{settings.host or 'localhost'}:{sock.getsockname()[1]}"
    store = str(parse_deployment(settings.redis_addr)) if settings.redis_addr else "its own Redis"
    log.info("server.ready", extra={"url": url, "store": store, "version": __version__, "workers": workers})
    tell_service_manager("READY=1")
    if sys.stdout.isatty():
        print(f"\n  notifier {__version__}  {url}  store: {store}\n", flush=True)


def tell_service_manager(state: str) -> None:
    """Sends a state to NOTIFY_SOCKET, which systemd sets (sd_notify(3)); without it does nothing."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.connect(path.replace("@", "\0", 1) if path.startswith("@") else path)
            manager.send(state.encode())
    except OSError as error:  # a manager that does not listen is no reason to stop serving
        log.warning("service_manager.unreachable", extra={"error": str(error)})


def _warn_of_open_access(settings: Settings) -> None:
    if settings.auth_mode == "token" and 0 < len(settings.admin_token) < MIN_ADMIN_TOKEN:
        log.warning("auth.key_guessable", extra={"variable": "ADMIN_TOKEN", "cure": "openssl rand -hex 32"})
    if settings.auth_mode == "none" and not settings.loopback_only:
        log.warning("auth.disabled", extra={"address": settings.server_addr, "cure": "set AUTH_MODE=token"})
