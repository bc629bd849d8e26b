"""States on the page: buttons that archive and snooze, what is new counted, and the history's words for each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from .browser import AWAY, REFUSED, PageUser, Tab
from .conftest import PageServer

pytestmark = pytest.mark.slow


def button(tab: Tab, text: str, name: str) -> Locator:
    return tab.message(text).get_by_role("button", name=name)


def badge(tab: Tab, text: str) -> Locator:
    return tab.message(text).locator(".badge")


def test_archived_and_back(open_tab: Callable[[], Tab], user: PageUser) -> None:
    tab, other = open_tab().connect(user), open_tab().connect(user)
    tab.send(str(user), "an invoice")
    button(tab, "an invoice", "Archive").click()
    for each in (tab, other):
        expect(badge(each, "an invoice")).to_have_text("ARCHIVED")
        each.expect_unread(0)
    expect(button(tab, "an invoice", "Snooze")).to_be_hidden()
    button(other, "an invoice", "Unarchive").click()
    for each in (tab, other):
        expect(badge(each, "an invoice")).to_have_text("READ")


def test_snoozed_and_back(open_tab: Callable[[], Tab], user: PageUser) -> None:
    tab, other = open_tab().connect(user), open_tab().connect(user)
    tab.send(str(user), "in an hour")
    button(tab, "in an hour", "Snooze 1 h").click()
    for each in (tab, other):
        expect(badge(each, "in an hour")).to_have_text("SNOOZED")
    expect(tab.message("in an hour").get_by_role("button")).to_have_count(1)
    button(other, "in an hour", "Bring back").click()
    for each in (tab, other):
        expect(badge(each, "in an hour")).to_have_text("UNREAD")
        each.expect_unread(1)


def test_what_is_new_is_counted_until_it_was_in_sight(tab: Tab, user: PageUser) -> None:
    tab.page.evaluate("scrollTo(0, 1e6)")
    tab.connect(user)
    tab.page.evaluate("document.querySelector('#inbox').scrollIntoView()")
    tab.send(str(user), "look at me")
    expect(tab.find("#inbox-unseen")).to_have_text("1 new")
    tab.page.evaluate("document.querySelector('#messages').scrollIntoView()")
    expect(tab.find("#inbox-unseen")).to_be_hidden()
    tab.expect_unread(1)


def test_the_history_tells_each_state(tab: Tab, user: PageUser) -> None:
    tab.connect(user)
    for text in ("kept", "put off", "plain"):
        tab.send(str(user), text)
    button(tab, "kept", "Archive").click()
    button(tab, "put off", "Snooze 1 h").click()
    expect(badge(tab, "put off")).to_have_text("SNOOZED")
    expect(tab.show_history(user).locator(".badge")).to_have_text(["UNREAD", "SNOOZED", "ARCHIVED"])


def test_a_refusal_is_said(tab: Tab, server: PageServer, user: PageUser) -> None:
    tab.expecting(AWAY, REFUSED).connect(user).send(str(user), "here and gone")
    tab.page.route("**/snooze*", lambda route: route.fulfill(status=503, json={"detail": "the store is away"}))
    tab.expecting(re.compile("503"))
    button(tab, "here and gone", "Snooze 1 h").click()
    expect(tab.find("#inbox-fault")).to_have_text("the store is away")


def test_with_the_keyboard(tab: Tab, user: PageUser) -> None:
    tab.connect(user).send(str(user), "by keyboard")
    keep = button(tab, "by keyboard", "Archive")
    keep.focus()
    tab.page.keyboard.press("Enter")
    expect(badge(tab, "by keyboard")).to_have_text("ARCHIVED")
    expect(button(tab, "by keyboard", "Unarchive")).to_be_focused()
