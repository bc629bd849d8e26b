"""The page in a real browser: sending, receiving, reading, and a server that goes away."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .browser import AWAY, REFUSED, PageUser, Tab, Tabs
from .conftest import PageServer

pytestmark = pytest.mark.slow

NewUser = Callable[[], PageUser]
OpenTab = Callable[[], Tab]


def test_sent_by_hand_it_arrives_at_once(tab: Tab, user: PageUser) -> None:
    tab.connect(user)
    tab.send(str(user), "Your order left", title="On its way", source="orders", priority="high", url="/orders/7")
    message = tab.message("Your order left")
    expect(message).to_contain_text("UNREAD")
    expect(message).to_contain_text("On its way")
    expect(message).to_contain_text("high priority")
    expect(message).to_contain_text("orders")
    expect(message.get_by_role("link")).to_have_attribute("href", f"{tab.base_url}/orders/7")
    expect(tab.find("#announcer")).to_have_text("New notification: On its way")
    tab.expect_unread(1)
    expect(tab.page).to_have_title("(1) notifier")


def test_what_waits_is_seen_and_fetched_on_connect(tab: Tab, new_user: NewUser) -> None:
    first, second = new_user(), new_user()
    tab.send(f"{first}, {second}", "Are you there?")
    expect(tab.find("#send-result")).to_contain_text("Accepted for 2 users.")
    expect(tab.pending(first)).to_contain_text("Are you there?")
    tab.connect(second)
    expect(tab.message("Are you there?")).to_contain_text("UNREAD")
    tab.mark_read("Are you there?")
    expect(tab.pending(second)).to_have_count(0)
    expect(tab.pending(first)).to_have_count(1)


def test_clients_are_listed_chosen_and_written_to(open_tab: OpenTab, new_user: NewUser) -> None:
    users = [new_user() for _ in range(3)]
    tabs = [open_tab().connect(user) for user in users]
    desk = tabs[0]
    for user in users:
        expect(desk.client(user)).to_have_count(1)
    for user in users[1:]:
        desk.client(user).get_by_role("checkbox").check()
    expect(desk.find("#selected-list > li")).to_have_count(2)
    desk.submit("To the chosen ones")
    expect(desk.find("#send-result")).to_contain_text("Accepted for 2 users.")
    for chosen in tabs[1:]:
        expect(chosen.message("To the chosen ones")).to_have_count(1)
    desk.find("#selected-list button").first.click()
    expect(desk.find("#selected-list > li")).to_have_count(1)
    desk.page.check("input[name=to][value=all]", force=True)
    desk.submit("To everyone")
    for each in tabs:
        expect(each.message("To everyone")).to_have_count(1)
    expect(desk.message("To the chosen ones")).to_have_count(0)
    tabs[1].page.click("#inbox-connect")
    tabs[1].expect_state("Not connected")
    expect(desk.client(users[1])).to_have_count(0)


def test_two_tabs_agree_on_what_is_read(open_tab: OpenTab, user: PageUser) -> None:
    one, two = open_tab().connect(user), open_tab().connect(user)
    for text in ("first", "second", "third"):
        one.send(str(user), text)
    two.expect_unread(3)
    one.mark_read("second")
    expect(two.message("second")).to_contain_text("READ")
    two.expect_unread(2)
    two.page.click("#read-all")
    one.expect_unread(0)
    expect(one.page).to_have_title("notifier")
    expect(one.find("#messages .badge")).to_have_text(["READ"] * 3)


def test_history_opens_from_a_client_and_follows_by_itself(tab: Tab, user: PageUser) -> None:
    tab.connect(user).send(str(user), "look here")
    tab.client(user).get_by_role("button").click()
    expect(tab.find("#history")).to_be_focused()
    rows = tab.find("#history-rows > li")
    expect(rows.filter(has_text="look here").locator(".badge")).to_have_text("UNREAD")
    tab.send(str(user), "and here")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("and here")
    tab.page.click("#read-all")
    expect(rows.locator(".badge")).to_have_text(["READ", "READ"])


def test_marks_by_itself_when_asked_to(tab: Tab, user: PageUser) -> None:
    tab.page.clock.install()
    tab.connect(user).send(str(user), "seen soon")
    tab.page.check("#auto-ack")
    tab.expect_unread(1)
    tab.page.clock.run_for(2_500)
    expect(tab.message("seen soon").locator(".badge")).to_have_text("READ")


def test_retention_is_confirmed_by_the_server(tab: Tab, user: PageUser) -> None:
    with tab.page.expect_websocket() as connection:
        tab.connect(user)
    with connection.value.expect_event("framereceived", lambda frame: "retention.ack" in str(frame)):
        tab.page.select_option("#retention", "7")
    expect(tab.find("#retention")).to_have_value("7")


def test_server_restart(open_tab: OpenTab, server: PageServer, user: PageUser) -> None:
    """Nothing is lost or doubled, and what was read meanwhile becomes read on the server."""
    tab, other = open_tab().expecting(AWAY), open_tab().expecting(AWAY)
    tab.connect(user).send(str(user), "before")
    tab.send(str(user), "read while away")
    tab.expect_unread(2)
    server.stop()
    tab.expect_state("Trying again")
    expect(tab.find("#feed")).to_contain_text("Server away")
    for panel in ("clients", "deliveries"):
        expect(tab.find(f"#{panel}-fault")).to_contain_text("cannot be reached")
    tab.mark_read("read while away")
    tab.expect_unread(1)
    server.start()
    tab.expect_state("Connected")
    other.live().send(str(user), "after")
    expect(tab.messages.locator(".note-text")).to_have_text(["after", "read while away", "before"])
    tab.expect_unread(2)
    badges = other.show_history(user).locator(".badge")
    expect(badges).to_have_text(["UNREAD", "READ", "UNREAD"])
    for panel in ("clients", "deliveries"):
        expect(tab.find(f"#{panel}-fault")).to_be_hidden()


def test_a_failed_send_keeps_the_words_and_does_not_send_twice(
    tabs: Tabs, server: PageServer, base_url: str, user: PageUser
) -> None:
    tab = tabs.open(base_url).live().expecting(AWAY)
    keys: list[str] = []
    tab.page.on("request", lambda request: keys.append(request.headers.get("idempotency-key", "")))
    server.stop()
    tab.page.fill("#recipients", str(user))
    tab.submit("try me twice")
    expect(tab.find("#send-result")).to_contain_text("cannot be reached")
    expect(tab.find("#message")).to_have_value("try me twice")
    server.start()
    tab.live().submit("try me twice")
    expect(tab.find("#send-result")).to_contain_text("Accepted for 1 user.")
    tab.submit("another one")
    expect(tab.find("#message")).to_have_value("")
    first, again, other = filter(None, keys)
    assert first == again != other


HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload=alert(1)>',
    "{{7*7}} ${7*7} <b>bold</b> &amp; </textarea></title><!--",
]


def test_hostile_text_is_shown_as_text(tab: Tab, user: PageUser) -> None:
    tab.connect(user).show_history(user)
    for text in HOSTILE:
        tab.send(str(user), text, title=f"title {text}", source=f"source {text}")
        expect(tab.messages.first.locator(".note-text")).to_have_text(text)
    for notes in (tab.messages, tab.find("#history-rows > li")):
        newest_first = list(reversed(HOSTILE))
        expect(notes.locator(".note-text")).to_have_text(newest_first)
        expect(notes.locator(".note-title")).to_have_text([f"title {text}" for text in newest_first])
        expect(notes.locator("[data-slot=source]")).to_have_text([f"source {text}" for text in newest_first])
    for text in HOSTILE:
        expect(tab.pending(user)).to_contain_text(f"title {text}")
    assert tab.page.evaluate("window.hacked === undefined")
    assert tab.find("#messages, #history-rows, #pending-groups").locator("script, img, svg, b").count() == 0


def test_hostile_logins_are_text_in_every_table_and_in_errors(tabs: Tabs, base_url: str) -> None:
    login = "<img src=x onerror=alert(1)>\u202egpj"
    tab = tabs.blank(base_url).expecting(REFUSED)
    row = {"connection_id": "c1", "user_id": 1, "login": login, "pod_id": login, "remote": login}
    row |= {"connected_at": "2024-01-01T00:00:00Z", "sent": 0, "acked": 0}
    entry = {"id": "1-1", "payload": {"message": "x", "created_at": "never", "source": login}, "read": False}
    waiting = {"pending_notifications": {f"1-{login}": [entry]}, "total_pending": 1, "users_with_pending": 1}
    tab.page.route("**/admin/clients*", lambda route: route.fulfill(json={"clients": [row], "total": 1}))
    tab.page.route("**/admin/pending*", lambda route: route.fulfill(json=waiting))
    tab.load()
    shown = login.replace("\u202e", "\ufffd")
    expect(tab.find("#clients-rows .user")).to_have_text(f"1:{shown}")
    expect(tab.find("#pending-groups .user")).to_have_text(f"1:{shown}")
    tab.page.check("#select-all")
    expect(tab.find("#selected-list bdi")).to_have_text(f"1:{shown}")
    tab.page.check("input[name=to][value=hand]", force=True)
    tab.page.fill("#recipients", "1:<svg/onload=alert(1)>")
    tab.submit("hello")
    expect(tab.find("#recipients-error")).to_contain_text("<svg/onload=alert(1)>: login must be")


def test_links_that_would_run_are_no_links(tabs: Tabs, base_url: str) -> None:
    tab = tabs.blank(base_url)
    payload = {"message": "m", "created_at": "2024-01-01T00:00:00Z", "source": "", "url": "javascript:alert(1)"}
    note = {"id": "1-1", "payload": payload, "read": True, "status": "read"}
    tab.page.route("**/admin/history*", lambda route: route.fulfill(json={"notifications": [note], "total": 1}))
    link = tab.load().show_history(PageUser(1, "a")).locator("a")
    expect(link).to_have_text("javascript:alert(1)")
    assert link.get_attribute("href") is None


def test_errors_stand_at_their_fields(tabs: Tabs, base_url: str, user: PageUser) -> None:
    tab = tabs.open(base_url).expecting(REFUSED)
    tab.page.fill("#recipients", "1:alice bob")
    tab.submit("hello")
    expect(tab.find("#recipients-error")).to_contain_text("bob is not in the form id:login")
    expect(tab.find("#recipients")).to_be_focused()
    tab.page.fill("#recipients", str(user))
    tab.submit("   ")
    expect(tab.find("#message-error")).to_contain_text("Write a message")
    expect(tab.find("#recipients-error")).to_be_hidden()
    tab.submit("hello", source="s" * 129)
    expect(tab.find("#source-error")).to_contain_text("at most 128")
    expect(tab.find("#source")).to_have_attribute("aria-invalid", "true")
    expect(tab.find("#send-result")).to_contain_text("Not sent")
    tab.submit("hello", source="")
    expect(tab.find("#send-result")).to_have_text(re.compile("Accepted"))
    expect(tab.find("[aria-invalid]")).to_have_count(0)
