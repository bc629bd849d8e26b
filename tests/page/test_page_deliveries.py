"""Recent deliveries on the page: live, polled, empty, hostile."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from .browser import AWAY, PageUser, Tab, Tabs

pytestmark = pytest.mark.slow

BADGES = {
    "scheduled": "○", "queued": "○", "processing": "○", "retrying": "▲", "sent": "✓", "failed": "✕",
    "cancelled": "none", "expired": "none",
}  # fmt: skip
MARK = "node => getComputedStyle(node, '::before').content"


def rows(tab: Tab) -> Locator:
    return tab.find("#deliveries-rows > tr")


def post(base_url: str, **delivery: Any) -> str:
    body = json.dumps(delivery).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{base_url}/api/v1/notifications", body, headers)) as answer:
        return str(json.load(answer)["id"])


def answering(tab: Tab, *found: dict[str, Any]) -> Tab:
    """The tab, loaded, where the server has just these deliveries."""

    def answer(route: Route) -> None:
        route.fulfill(json={"notifications": found, "page": 1, "limit": 20, "total": len(found)})

    tab.page.route(re.compile(r"/api/v1/notifications\?"), answer)
    return tab.load()


def row(status: str, text: str = "hello", **more: Any) -> dict[str, Any]:
    made = {"id": f"{status}-{text}", "channel": "sms", "recipient": text, "content": text, "status": status}
    return made | {"retry_count": 0, "max_retries": 3, "created_at": "2024-01-01T00:00:00Z"} | more


def test_a_delivery_shows_at_once_and_changes_by_itself(tab: Tab, user: PageUser) -> None:
    key = f"{user.id}-{user.login}"
    due = "2099-01-01T00:00:00Z"
    later = post(tab.base_url, channel="inapp", recipient=key, content="some day", scheduled_at=due)
    waiting = rows(tab).filter(has_text="some day")
    expect(waiting.locator(".badge")).to_have_text("SCHEDULED")
    identity = post(tab.base_url, channel="inapp", recipient=key, content="through a provider")
    sent = rows(tab).filter(has_text="through a provider")
    expect(sent.locator(".badge")).to_have_text("SENT")
    expect(sent).to_contain_text(key)
    expect(sent).to_have_attribute("title", identity)
    cancel = urllib.request.Request(f"{tab.base_url}/api/v1/notifications/{later}", method="DELETE")
    with urllib.request.urlopen(cancel) as answer:
        assert answer.status == 204
    expect(waiting.locator(".badge")).to_have_text("CANCELLED")


def test_every_status_has_a_word_and_a_shape(tabs: Tabs, base_url: str) -> None:
    found = [row(status, error="no luck" if status == "failed" else "", provider="smtp") for status in BADGES]
    tab = answering(tabs.blank(base_url), *found)
    expect(rows(tab).locator(".badge")).to_have_text([status.upper() for status in BADGES])
    marks = [badge.evaluate(MARK) for badge in rows(tab).locator(".badge").all()]
    assert [mark.split('"')[1].strip() if '"' in mark else mark for mark in marks] == list(BADGES.values())
    expect(rows(tab).filter(has_text="FAILED")).to_contain_text("no luck, by smtp")


def test_none_says_how_one_is_made(tabs: Tabs, base_url: str) -> None:
    tab = answering(tabs.blank(base_url))
    expect(tab.find("#deliveries-empty")).to_contain_text("notifier send --channel email")
    expect(tab.find("#deliveries-table")).to_be_hidden()


def test_hostile_deliveries_are_text(tabs: Tabs, base_url: str) -> None:
    text = "<img src=x onerror='window.hacked = 1'>\u202egpj"
    tab = answering(tabs.blank(base_url), row(text, text, error=text, provider=text, channel=text))
    shown = text.replace("\u202e", "\ufffd")
    for part in ("recipient", "content", "channel"):
        expect(rows(tab).locator(f"[data-slot={part}]")).to_have_text(shown)
    assert rows(tab).locator("img").count() == 0
    assert tab.page.evaluate("window.hacked === undefined")


def test_without_events_it_is_polled(tabs: Tabs, base_url: str, user: PageUser) -> None:
    tab = tabs.blank(base_url).expecting(AWAY, re.compile("status of 429"))
    tab.page.route("**/admin/events*", lambda route: route.fulfill(status=429, json={"detail": "too many listeners"}))
    tab.page.clock.install()
    tab.load()
    expect(tab.find("#feed")).to_contain_text("Refreshing every 3 s")
    post(base_url, channel="inapp", recipient=f"{user.id}-{user.login}", content="found by asking")
    tab.page.clock.run_for(6_000)
    expect(rows(tab).filter(has_text="found by asking")).to_have_count(1)
