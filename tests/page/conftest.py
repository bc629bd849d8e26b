"""Fixtures of the page's tests. `server` and `guarded_server` alone know what serves the page."""

from __future__ import annotations

import itertools
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from .browser import PageUser, Tab, Tabs
from .program import Program

TOKEN = "an-admin-token-of-32-characters-x"


class PageServer(Protocol):
    """A server for the tests: its address, and a way to be away for a while without forgetting."""

    @property
    def base_url(self) -> str: ...

    def stop(self) -> None: ...

    def start(self) -> None: ...


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="package")
def server() -> Iterator[PageServer]:
    """The program itself, with AUTH_MODE=none."""
    with tempfile.TemporaryDirectory(prefix="notifier-page-") as folder:
        program = Program(_free_port(), Path(folder), {})
        program.start()
        yield program
        program.stop()


@pytest.fixture(scope="package")
def guarded_server() -> Iterator[PageServer]:
    """The program itself with AUTH_MODE=token, where `token` has the scope admin."""
    with tempfile.TemporaryDirectory(prefix="notifier-page-") as folder:
        program = Program(_free_port(), Path(folder), {"AUTH_MODE": "token", "ADMIN_TOKEN": TOKEN})
        program.start()
        yield program
        program.stop()


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def base_url(server: PageServer) -> str:
    return server.base_url


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. It ends with this folder: Playwright's loop would be in the way of other tests' loops."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert executable, "the page's tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        # Names below `.example` lead to this machine, as those of an attacker's own DNS may.
        args = ["--no-sandbox", "--headless", "--host-resolver-rules=MAP *.example 127.0.0.1"]
        # Not every browser keeps pages from the network of this machine: the server may not count on it.
        args += ["--disable-features=LocalNetworkAccessChecks"]
        browser = playwright.chromium.launch(executable_path=executable, args=args)
        yield browser
        browser.close()


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Opens tabs; afterwards fails on what any of them complained about."""
    opened = Tabs(browser)
    yield opened
    opened.close()
    assert opened.complaints() == []


@pytest.fixture
def open_tab(tabs: Tabs, base_url: str) -> Callable[[], Tab]:
    """Opens the page once more and waits until it is live."""
    return lambda: tabs.open(base_url).live()


@pytest.fixture
def tab(open_tab: Callable[[], Tab]) -> Tab:
    return open_tab()


_numbers = itertools.count(int(uuid.uuid4().int % 10**9))


@pytest.fixture
def new_user() -> Callable[[], PageUser]:
    """Makes users that nothing was ever sent to."""
    return lambda: PageUser(next(_numbers), f"user-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def user(new_user: Callable[[], PageUser]) -> PageUser:
    return new_user()


class Blank(BaseHTTPRequestHandler):
    """An empty page at every path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><body>")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="package")
def web() -> Iterator[int]:
    """The port of a web server of somebody else's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens a page in a profile of its own."""
    contexts = []

    def open_page(url: str) -> Page:
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
