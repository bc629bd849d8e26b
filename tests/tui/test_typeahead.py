"""Keys that come faster than what they ask for: pasted, or in one piece over a slow line."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette
from textual.events import Paste
from textual.widgets import Input

from tests.tui.fake_server import small_cluster
from tests.tui.support import Stage, play
from tui import typeahead
from tui.details.user import OneUserDetail
from tui.dialogs import confirm
from tui.dialogs.confirm import Confirm
from tui.dialogs.goto import GoTo
from tui.widgets.filter_bar import FilterBar
from tui.widgets.table import Table

FILTERED = ("2", "3", "4", "6", "7", "9", "0", "minus", "equals_sign", "l", "exclamation_mark")


@pytest.mark.parametrize("view", FILTERED)
@pytest.mark.parametrize("typed", ["queue", "dave", "XyAR 12?"])
def test_what_follows_the_slash_is_text(view: str, typed: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.press(view)
        await stage.until(lambda: isinstance(stage.app.focused, Table))
        here = stage.page
        stage.burst(f"/{typed}")
        await stage.until(lambda: here.query_one(FilterBar).needle == typed)
        assert stage.page is here
        assert not stage.app._exit
        assert all(method == "GET" for method, _ in stage.server.requests)

    play(story)


@pytest.mark.parametrize("view", ["1", "8", "b", "3"])
def test_where_there_is_no_filter_the_slash_opens_the_way_to_anything(view: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.press(view)
        if view == "8":
            await stage.until(lambda: isinstance(stage.app.focused, Input))
            await stage.press("escape")
        if view == "3":
            await stage.sees("3 users")
            await stage.press("enter")
            await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        here = stage.page
        stage.burst("/queueXyA9")
        await stage.until(lambda: isinstance(stage.app.screen, GoTo))
        await stage.until(lambda: stage.app.screen.query_one(Input).value == "queueXyA9")
        stage.burst("escape")
        await stage.until(lambda: stage.app.screen is here)
        assert not stage.app._exit
        assert all(method == "GET" for method, _ in stage.server.requests)

    play(story)


def test_what_comes_behind_a_key_without_effect_is_dropped() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        stage.burst("x9q")
        await stage.sees("x does nothing here")
        await stage.until(lambda: not stage.app.typed.busy)
        assert stage.page.active_tab == "clients"
        assert not stage.app._exit

    play(story)


def test_what_follows_another_view_acts_there() -> None:
    async def story(stage: Stage) -> None:
        stage.burst("5", "1:alice", "enter")
        await stage.sees("4 notifications", "old one")
        stage.burst("o", "2-bob", "enter")
        await stage.sees("This inbox is empty")
        stage.burst("8", "3-carol", "tab")
        await stage.until(lambda: stage.page.query_one("#to", Input).value == "3-carol")

    play(story)


def test_what_follows_a_drill_down_acts_on_its_page() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        stage.burst("end", "enter", "h")
        await stage.sees("This inbox is empty", "2-bob › History of 2-bob")
        stage.burst("escape", "escape", "home", "enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail) and str(stage.page.user) == "1-alice")

    play(story)


def test_what_follows_the_palette_is_looked_for_and_enter_takes_what_was_found() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        stage.burst("ctrl+p", "go to instances", "enter")
        await stage.sees("2 instances")
        assert not isinstance(stage.app.screen, CommandPalette)

    play(story)


def test_no_dialog_is_answered_before_it_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = small_cluster()

    async def story(stage: Stage) -> None:
        monkeypatch.setattr(confirm, "UNREAD", 3600.0)
        await stage.view("9", "10 deliveries")
        stage.burst("Xy")
        await stage.asks("Cancel 1 delivery")
        assert cluster.deliveries.rows[-1]["status"] == "queued"
        assert stage.app.clipboard == ""
        stage.burst("ny")
        await stage.until(lambda: stage.app.clipboard == cluster.deliveries.rows[-1]["id"])
        assert not isinstance(stage.app.screen, Confirm)
        assert cluster.deliveries.rows[-1]["status"] == "queued"

    play(story, cluster=cluster)


def test_while_a_question_is_asked_of_the_server_keys_wait_for_nobody_and_escape_gives_up() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        with stage.server.holding("/api/v1/notifications/"):
            stage.burst("X", "down", "q", "2")
            await stage.sees("asking the server, esc gives up")
            assert stage.page.active_tab == "deliveries"
            stage.burst("escape")
            await stage.until(lambda: "asking the server" not in stage.screen)
        stage.burst("2")
        await stage.sees("3 connections")
        assert not stage.app._exit

    play(story)


def test_pasted_text_is_text_and_never_a_key() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        stage.app.post_message(Paste("q9X"))
        await stage.sees("pasted text goes into a field; / opens the filter")
        assert stage.page.active_tab == "clients"
        stage.burst("/")
        stage.app.post_message(Paste("1-ali\nce"))
        await stage.until(lambda: stage.page.query_one(FilterBar).needle == "1-ali ce")

    play(story)


def test_text_that_comes_in_one_piece_does_not_wait_for_its_own_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[int] = []

    async def settled(app: object) -> None:
        waits.append(1)
        await ordinary(app)

    ordinary = typeahead.settled
    monkeypatch.setattr(typeahead, "settled", settled)

    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        waits.clear()
        stage.burst(f"/{'1-alice' * 30}", "escape", "3")
        await stage.sees("3 users")
        assert stage.page.active_tab == "users"
        assert len(waits) <= 6

    play(story)


def test_keys_held_down_are_all_counted() -> None:
    cluster = small_cluster()
    for number in range(10, 110):
        cluster.connect(f"{number}-user{number}")

    async def story(stage: Stage) -> None:
        await stage.view("2", "103 connections")
        stage.burst(*["down"] * 60, *["up"] * 10)
        await stage.until(lambda: stage.table._cursor == 50)

    play(story, cluster=cluster)
