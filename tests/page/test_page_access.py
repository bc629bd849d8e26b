"""The page and a server with AUTH_MODE=token."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .browser import AWAY, REFUSED, Tab, Tabs
from .conftest import PageServer

pytestmark = pytest.mark.slow


def enter(tab: Tab, token: str) -> None:
    tab.page.get_by_role("button", name=re.compile("Access|Enter a token")).first.click()
    tab.page.fill("#access-token", token)
    tab.page.get_by_role("button", name="Use token").click()


def test_a_token_opens_the_page_and_stays_in_the_tab(tabs: Tabs, guarded_server: PageServer, token: str) -> None:
    tab = tabs.open(guarded_server.base_url).expecting(REFUSED, AWAY)
    expect(tab.find("#banner")).to_contain_text("wants a token")
    expect(tab.find("#feed")).to_contain_text("No access")
    enter(tab, "wrong")
    expect(tab.find("#banner")).to_contain_text("refuses this token")
    enter(tab, token)
    tab.live()
    expect(tab.find("#banner")).to_be_hidden()
    expect(tab.find("#clients-empty")).to_be_visible()
    expect(tab.find("#has-token")).to_be_visible()
    assert token not in tab.page.url
    assert token not in tab.page.evaluate("JSON.stringify(localStorage)")
    tab.page.reload()
    tab.live()
    fresh = tabs.open(guarded_server.base_url, beside=tab).expecting(REFUSED)
    expect(fresh.find("#banner")).to_be_visible()
    tab.page.click("#open-access")
    tab.page.get_by_role("button", name="Forget it").click()
    expect(tab.find("#banner")).to_be_visible()
    expect(tab.find("#has-token")).to_be_hidden()
    assert tab.page.evaluate("sessionStorage.getItem('notifier.token')") is None


def test_a_refused_page_does_not_ask_on_and_on(tabs: Tabs, guarded_server: PageServer) -> None:
    tab = tabs.blank(guarded_server.base_url).expecting(REFUSED)
    tab.page.clock.install()
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    tab.load()
    expect(tab.find("#banner")).to_be_visible()
    expect(tab.find("#feed")).to_contain_text("No access")
    before = len(asked)
    tab.page.clock.run_for(30_000)
    assert len(asked) == before
