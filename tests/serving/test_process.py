"""The serving process around the parts."""

import asyncio
import inspect
import linecache
import os
import socket
import subprocess
import sys
import tokenize
from unittest.mock import Mock

from sanic.touchup import TouchUp

from notifier.config import load
from notifier.serving.process import LOOKS_PER_TURN, give_back_memory, hold_sources, listen
from tests.support import eventually


class Late:
    """Stands where a connection does whose time is up: notes the turn of the loop in which it is looked at."""

    def __init__(self, turns, looks):
        self._turns, self._looks = turns, looks

    def check_deadlines(self, now):
        self._looks.append(self._turns[0])


async def test_the_end_of_many_connections_does_not_hold_up_the_others(client):
    loop, turns, looks = asyncio.get_running_loop(), [0], []

    def turn():
        turns[0] += 1
        loop.call_soon(turn)

    client.app.ctx.server._connections = {Late(turns, looks) for _ in range(20 * LOOKS_PER_TURN)}
    turn()
    await eventually(lambda: len(looks) >= 20 * LOOKS_PER_TURN, "a look at every connection")
    client.app.ctx.server._connections = set()
    assert max(looks.count(number) for number in set(looks)) <= LOOKS_PER_TURN


LOOKUP = """
import asyncio, os
from unittest.mock import patch
from notifier.serving import process

async def serve(*args):
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    return len(os.listdir("/proc/self/task"))

with patch.object(process, "_serve", serve):
    print(process.run_loop(None, None, None))
"""


def test_names_that_hang_leave_threads_for_other_lookups():
    """libuv has four threads unless it is told otherwise, and looks up names in two of them."""
    answer = subprocess.run([sys.executable, "-c", LOOKUP], capture_output=True, text=True, timeout=60, check=False)
    assert int(answer.stdout) >= 64, answer.stderr


def test_where_there_is_no_ipv6_the_other_serves(monkeypatch):
    def without(family=-1, *args, **options):
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return made(family, *args, **options)

    made = socket.socket
    monkeypatch.setattr(socket, "socket", without)
    (sock,) = listen(load({"server_addr": ":0"}, {}))
    sock.close()


def test_a_bare_port_with_tokens_is_every_interface_of_both_kinds():
    socks = listen(load({"server_addr": ":0"}, {"AUTH_MODE": "token", "ADMIN_TOKEN": "x" * 32}))
    try:
        assert [sock.getsockname()[0] for sock in socks] == ["0.0.0.0", "::"]
        assert len({sock.getsockname()[1] for sock in socks}) == 1
    finally:
        for sock in socks:
            sock.close()


def test_sources_that_sanic_reads_are_held(monkeypatch):
    """As after a sweep of the executable's unpacked folder: no file can be read any more."""
    linecache.clearcache()
    hold_sources()
    assert all(len(entry) == 1 for entry in linecache.cache.values()), "whole sources are held"
    monkeypatch.setattr(os, "stat", Mock(side_effect=FileNotFoundError))
    monkeypatch.setattr(tokenize, "open", Mock(side_effect=FileNotFoundError))
    for target, method in TouchUp._registry:
        assert "def " in inspect.getsource(getattr(target, f"_{method}", getattr(target, method)))


def test_what_the_start_alone_needed_is_freed():
    linecache.getlines(inspect.getsourcefile(hold_sources))
    assert linecache.cache
    give_back_memory()
    assert not linecache.cache
