"""CPU per frame and memory per connection of /ws' protocol class, beside Sanic's own: `python -m tests.bench.websocket`.

Each runs in a process of its own behind the same Sanic routing; the load comes from this one. Frames carry 120 bytes.
CPU is the server's (user and system), and rises with what else the machine does: look at the smallest of several runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from sanic import Request, Sanic, Websocket

from notifier.live.frames import encode_text
from notifier.live.websocket import WebSocket
from notifier.web.http.protocol import NotifierProtocol, check_upgrade, take_over
from tests.live.test_frames import frame

ACTIVE = 100  # connections that say something
IDLE = 2000
ROUNDS = 100
RUNS = 3
SIZE = 120
ECHO, SINK, PUSH, COLLECT = b"e", b"s", b"p", b"c"  # what the first byte of a message asks the server for
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)

# -- the two servers


class Lean(WebSocket):
    """The protocol class of /ws."""

    __slots__ = ()
    everyone: set[Lean] = set()

    def on_text(self, payload: bytes) -> None:
        kind = payload[:1]
        if kind == ECHO:
            self.send(payload)
        elif kind == PUSH:
            frames = encode_text(payload)
            for one in self.everyone:
                one.send_frames(frames)
        elif kind == COLLECT:
            gc.collect()
            self.send(payload)

    def on_closed(self, code: int, reason: str) -> None:
        self.everyone.discard(self)


def lean(app: Sanic) -> type[Any] | None:
    @app.get("/ws")
    async def endpoint(request: Request) -> None:
        check_upgrade(request, "notifier.v1")
        socket = Lean(max_frame=65536, send_buffer=1 << 20)
        take_over(request, socket, None, lambda: Lean.everyone.add(socket))

    return NotifierProtocol


def sanic(app: Sanic) -> type[Any] | None:
    everyone: set[Websocket] = set()

    @app.websocket("/ws")
    async def endpoint(_request: Request, one: Websocket) -> None:
        everyone.add(one)
        try:
            async for text in one:
                kind = text[:1].encode()
                if kind == PUSH:
                    for other in list(everyone):
                        await other.send(text)
                elif kind != SINK:
                    gc.collect() if kind == COLLECT else None
                    await one.send(text)
        finally:
            everyone.discard(one)

    return None


SERVERS: dict[str, Callable[[Sanic], type[Any] | None]] = {"lean": lean, "sanic": sanic}


async def serve(kind: str) -> None:
    """Serves until the end of standard input."""
    app = Sanic("bench", configure_logging=False)
    app.config.WEBSOCKET_PING_INTERVAL = None  # Sanic's pings would stand between the answers; /ws' come with ticks
    protocol = SERVERS[kind](app)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as sock:
        options: dict[str, Any] = {"sock": sock, "protocol": protocol, "access_log": False}
        server = await app.create_server(return_asyncio_server=True, **options)
        assert server is not None
        await server.startup()
        await server.before_start()
        await server.start_serving()
        print(sock.getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        os._exit(0)


# -- the load


class Load:
    """Connections to one server, and what it costs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.pid, self.port = process.pid, port
        self.sockets: list[socket.socket] = []

    def open(self, number: int) -> None:
        """That many more connections."""
        for _ in range(number):
            one = socket.create_connection(("127.0.0.1", self.port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(20)
            one.sendall(UPGRADE)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += one.recv(4096)
            self.sockets.append(one)

    def cpu(self) -> float:
        """Microseconds of CPU that the server's thread has used."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1000

    def memory(self) -> float:
        """The server's share of memory in KiB, after a garbage collection there."""
        self.ask(self.sockets[0], COLLECT)
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("Pss:"))

    def ask(self, one: socket.socket, kind: bytes) -> None:
        one.sendall(frame(1, kind * SIZE))
        receive(one)

    def echo(self) -> int:
        """Each connection says something and is answered; the number of frames that came in."""
        data = frame(1, ECHO * SIZE)
        for one in self.sockets[:ACTIVE]:
            one.sendall(data)
        for one in self.sockets[:ACTIVE]:
            receive(one)
        return ACTIVE

    def sink(self) -> int:
        """Each connection says something; the last one's answer tells that all has been read."""
        data = frame(1, SINK * SIZE)
        for one in self.sockets[: ACTIVE - 1]:
            one.sendall(data)
        self.ask(self.sockets[ACTIVE - 1], ECHO)
        return ACTIVE

    def push(self) -> int:
        """One message goes to all; the number of frames that went out."""
        self.sockets[0].sendall(frame(1, PUSH * SIZE))
        for one in self.sockets[:ACTIVE]:
            receive(one)
        return ACTIVE

    def cost(self, round_: Callable[[], int]) -> float:
        """Microseconds of the server's CPU per frame, the least of several runs."""
        round_()
        return min(self._run(round_) for _ in range(RUNS))

    def _run(self, round_: Callable[[], int]) -> float:
        before = self.cpu()
        frames = sum(round_() for _ in range(ROUNDS))
        return (self.cpu() - before) / frames


def receive(one: socket.socket) -> None:
    """Reads one frame of the size that all have here."""
    missing = SIZE + 2
    while missing:
        missing -= len(one.recv(missing))


def measure(kind: str) -> dict[str, float]:
    """The figures of one server."""
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, "serve", kind]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        load = Load(process, int(process.stdout.readline()))
        load.open(ACTIVE)
        figures = {"echo": load.cost(load.echo), "receive": load.cost(load.sink), "push": load.cost(load.push)}
        before = load.memory()
        load.open(IDLE)
        figures["memory"] = (load.memory() - before) / IDLE
        return figures
    finally:
        process.stdin.close()
        process.wait(10)


def main() -> int:
    """Prints the figures of both; 1 when a target is missed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found = {kind: measure(kind) for kind in SERVERS}
    rows = [
        ("echo", "us of CPU per frame received and answered", None),
        ("receive", "us of CPU per frame received", 7.0),
        ("push", "us of CPU per frame pushed", None),
        ("memory", f"KiB per idle connection, of {IDLE}", 4.0),
    ]
    print(f"{'':44}{'/ws':>8}{'Sanic':>8}   target")
    missed = 0
    for key, title, target in rows:
        ours, theirs = found["lean"][key], found["sanic"][key]
        verdict = "" if target is None else f"<= {target:g} {'met' if ours <= target else 'MISSED'}"
        missed += target is not None and ours > target
        print(f"{title:44}{ours:8.1f}{theirs:8.1f}   {verdict}")
    return 1 if missed else 0


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Runs on the loop that the program runs on."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.Runner(loop_factory=uvloop.new_event_loop).run(work())  # type: ignore[arg-type]


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        run(lambda: serve(sys.argv[2]))
    else:
        sys.exit(main())
