"""Signals in a real pseudo-terminal: every way out restores the terminal and says which signal it was."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.e2e.screen import Terminal
from tests.tui.fake_server import FakeServer

ALTERNATE, MOUSE, PASTE = b"\x1b[?1049h", b"\x1b[?1000h", b"\x1b[?2004h"
RESTORED = (b"\x1b[23;2t", b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l", b"\x1b[?25h")
CODE = "import sys; from tui.run import run; sys.exit(run(sys.argv[1], None, False))"


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """A fake server on a thread of its own."""
    loop, server = asyncio.new_event_loop(), FakeServer()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield server.url
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def read_all(screen: int) -> bytes:
    said = b""
    with contextlib.suppress(OSError):  # the terminal closes with its last process
        while more := os.read(screen, 65536):
            said += more
    return said


def read_until(screen: int, wanted: bytes) -> bytes:
    said = b""
    while wanted not in said:
        more = os.read(screen, 65536)
        assert more, said
        said += more
    return said


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 0.3, 1.0, 2.0])
def test_what_is_typed_while_it_starts_is_text_behind_the_slash(after: float) -> None:
    with serving() as url:
        terminal = Terminal([sys.executable, "-c", CODE, url], 100, 30)
        terminal.watch(after)
        terminal.press("/queue")
        terminal.sees(": queue", 30.0)
        assert terminal.close() == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_the_terminal_is_restored(number: signal.Signals) -> None:
    with serving() as url:
        pid, screen = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(sys.executable, [sys.executable, "-c", CODE, url])
        begun = read_until(screen, b"Instances")
        assert ALTERNATE in begun
        assert MOUSE in begun
        os.kill(pid, number)
        ended = read_all(screen)
        _, status = os.waitpid(pid, 0)
        os.close(screen)
    assert all(part in ended for part in RESTORED), ended[-400:]
    assert ended.rindex(b"\x1b[?1049l") > ended.rfind(ALTERNATE)
    assert os.waitstatus_to_exitcode(status) == 128 + number
