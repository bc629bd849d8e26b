"""Problems of now, on the page: named in words, and gone when it is over."""

from __future__ import annotations

import urllib.request

import pytest
from playwright.sync_api import expect

from .browser import Tab

pytestmark = pytest.mark.slow


def post(tab: Tab, path: str) -> None:
    request = urllib.request.Request(f"{tab.base_url}/api/v1/admin/{path}", b"{}", method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=5):
        pass


def test_a_problem_is_named_while_it_lasts(tab: Tab) -> None:
    expect(tab.find("#problems")).to_be_hidden()  # what is simulated is a notice, and none of them
    post(tab, "channels/sms/pause")
    try:
        expect(tab.find("#problems > li")).to_contain_text("sms paused")
        expect(tab.find("#problems > li")).to_have_attribute("data-severity", "warning")
    finally:
        post(tab, "channels/sms/resume")
    expect(tab.find("#problems")).to_be_hidden()
