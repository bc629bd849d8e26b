"""`NotifierClient.observe` in a real browser: half of an element in sight for a second, in a page that is in view."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .browser import PageUser

pytestmark = pytest.mark.slow

# A list of 200 px for each notification, newest first, in a view of 600; `sent` holds when each mark left.
HTML = """<!doctype html><title>sight</title>
<style>body { margin: 0 } li { display: block; height: 200px; box-sizing: border-box } ul { margin: 0; padding: 0 }</style>
<ul></ul>
<script type="module">
  import { NotifierClient } from "/notifier-client.js";
  window.sent = [];
  class Noted extends WebSocket {
    send(text) {
      const { type, data } = JSON.parse(text);
      if (type === "notification.mark") sent.push({ at: performance.now(), ...data });
      super.send(text);
    }
  }
  const { id, login } = Object.fromEntries(new URL(location).searchParams);
  const client = new NotifierClient({ userId: Number(id), login, WebSocket: Noted });
  client.addEventListener("push", ({ detail: { notification } }) => {
    const row = document.createElement("li");
    row.textContent = notification.message;
    document.querySelector("ul").prepend(row);
    client.observe(row, notification.notification_id);
  });
  client.addEventListener("counts", ({ detail }) => { window.counts = detail; });
  client.connect();
</script>"""
# Headless Chromium shows all of its tabs, whichever is in front.
HIDE = """(state) => {
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: state });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
DWELL, BATCH = 1_000, 500  # ms, as the client promises


class List:
    """The list of one user's notifications in a tab."""

    def __init__(self, page: Page, base_url: str, user: PageUser) -> None:
        self.page, self.base_url, self.user = page, base_url, user

    def send(self, count: int) -> None:
        for number in range(count):
            body = {"target": [self.user._asdict()], "message": str(number)}
            self._ask("/api/v1/notify", json.dumps(body).encode())

    def open(self) -> None:
        self.page.route(f"{self.base_url}/sight*", lambda route: route.fulfill(content_type="text/html", body=HTML))
        self.page.goto(f"{self.base_url}/sight?id={self.user.id}&login={self.user.login}")

    def until_unseen(self, count: int) -> None:
        self.page.wait_for_function("(count) => window.counts?.unseen === count", arg=count)

    def seen(self) -> set[int]:
        """Numbers of those that the server knows as seen."""
        query = f"user_id={self.user.id}&login={self.user.login}&seen=true&limit=100"
        return {int(item["message"]) for item in self._ask(f"/api/v1/inbox?{query}")["items"]}

    def scroll(self, top: int) -> None:
        self.page.evaluate("(top) => scrollTo(0, top)", top)

    def wait(self, ms: int) -> None:
        """Time passes for the page."""
        self.page.evaluate("(ms) => new Promise((done) => setTimeout(done, ms))", ms)

    def marks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("sent")
        return found

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.base_url + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


@pytest.fixture
def rows(browser: Browser, base_url: str, user: PageUser) -> Iterator[Callable[[int], List]]:
    """Opens a list of so many notifications, in a view 600 px high or as high as wanted."""
    contexts = []

    def make(count: int, height: int = 600) -> List:
        contexts.append(browser.new_context(viewport={"width": 400, "height": height}))
        found = List(contexts[-1].new_page(), base_url, user)
        found.send(count)
        return found

    yield make
    for context in contexts:
        context.close()


def test_what_is_in_sight_for_a_second_is_seen(rows: Callable[..., List]) -> None:
    shown = rows(30)
    shown.open()
    shown.until_unseen(27)
    assert shown.seen() == {29, 28, 27}
    shown.scroll(900)  # 25 and 22 by half, 24 and 23 whole
    shown.until_unseen(23)
    assert shown.seen() == {29, 28, 27, 25, 24, 23, 22}
    for top in range(1_000, 5_400, 400):  # past all of them, none for a second
        shown.scroll(top)
        shown.wait(50)
    shown.scroll(5_520)  # to the end
    shown.until_unseen(20)
    assert shown.seen() == {29, 28, 27, 25, 24, 23, 22, 2, 1, 0}


def test_marks_are_few_and_hold_twenty_at_most(rows: Callable[..., List]) -> None:
    shown = rows(45, 45 * 200)
    shown.open()
    shown.until_unseen(0)
    marks = shown.marks()
    assert {mark["as"] for mark in marks} == {"seen"} and sum(len(mark["ids"]) for mark in marks) == 45
    assert max(len(mark["ids"]) for mark in marks) == 20
    times = [mark["at"] for mark in marks]
    assert all(later - earlier >= BATCH - 5 for earlier, later in itertools.pairwise(times))


def test_a_hidden_page_shows_nothing(rows: Callable[..., List]) -> None:
    shown = rows(3)
    shown.page.add_init_script(f"({HIDE})('hidden')")
    shown.open()
    shown.page.wait_for_function("document.querySelectorAll('li').length === 3")
    shown.wait(DWELL + BATCH + 200)
    assert shown.marks() == [] and shown.seen() == set()
    shown.page.evaluate(HIDE, "visible")
    shown.until_unseen(0)
    assert shown.seen() == {0, 1, 2}


def test_what_arrives_in_sight_is_seen(rows: Callable[..., List]) -> None:
    shown = rows(3)
    shown.open()
    shown.until_unseen(0)
    shown.send(1)
    shown.page.wait_for_function("sent.length === 2")
    assert [len(mark["ids"]) for mark in shown.marks()] == [3, 1]
    shown.until_unseen(0)
