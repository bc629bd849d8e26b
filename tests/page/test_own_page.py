"""The page of the guide, saved and served from another origin, as its reader would."""

import functools
import http.server
import json
import re
import threading
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import _free_port
from .program import Program

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).parents[2] / "notifier" / "web" / "docs" / "frontend.md"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture
def web(tmp_path):
    """A web server of one's own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def program(tmp_path, web):
    """The program, which lets that server's pages in."""
    folder = tmp_path / "data"
    folder.mkdir()
    program = Program(_free_port(), folder, {"ALLOWED_ORIGINS": web})
    program.start()
    yield program
    program.stop()


def test_the_page_of_the_guide(browser, tmp_path, web, program):
    whole = next(
        block for block in re.findall(r"```html\n(.*?)```", GUIDE.read_text(), re.DOTALL) if "doctype" in block
    )
    (tmp_path / "inbox.html").write_text(whole.replace("http://localhost:8080", program.base_url))
    page = browser.new_page()
    page.goto(f"{web}/inbox.html")
    expect(page.locator("small")).to_have_text("online")
    body = {"target": [{"id": 1, "login": "alice"}], "message": "<b>Hello</b>"}
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(f"{program.base_url}/api/v1/notify", json.dumps(body).encode(), headers), timeout=5
    ).close()
    expect(page.locator("li")).to_have_text("<b>Hello</b> (unread)")
    page.locator("li").click()
    expect(page.locator("li")).to_have_text("<b>Hello</b> (read)")
    page.close()
