"""Keys that work everywhere; help, footer and palette made from the bindings themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.command import CommandPalette
from textual.containers import VerticalScroll

from tests.tui.support import Stage, play
from tui.commands import available
from tui.dialogs.help import Help
from tui.everywhere import EVERYWHERE
from tui.screens import find_views
from tui.widgets.tabs import Tabs
from tui.widgets.words import Words

VIEWS = {
    "1": "overview",
    "2": "clients",
    "3": "users",
    "4": "pending",
    "5": "history",
    "6": "instances",
    "7": "events",
    "8": "send",
    "9": "deliveries",
    "0": "dead_letters",
    "minus": "providers",
    "equals_sign": "channels",
    "l": "logs",
    "b": "talkers",
    "p": "doors",
    "exclamation_mark": "problems",
}


def test_every_view_has_its_key() -> None:
    assert {view.tab.key: view.tab.view for view in find_views()} == VIEWS

    async def story(stage: Stage) -> None:
        for key, name in VIEWS.items():
            await stage.press(key)
            await stage.until(lambda name=name: stage.app.screen is stage.app.views[name])
            await stage.press("escape")  # out of a field, where there is one

    play(story)


def test_tabs_and_footer_answer_to_the_mouse() -> None:
    async def story(stage: Stage) -> None:
        await stage.pilot.click(Tabs, offset=(stage.lines[1].index("3 Users") + 2, 0))
        await stage.sees("3 users")
        await stage.pilot.click("KeyBar", offset=(stage.lines[-1].index("? help"), 0))
        await stage.until(lambda: isinstance(stage.app.screen, Help))

    play(story)


@pytest.mark.parametrize("view", list(VIEWS))
def test_help_lists_every_command_that_works(view: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.press(view)
        await stage.until(lambda: stage.app.page and stage.app.page.active_tab == VIEWS[view])
        await stage.press("escape")
        commands = available(stage.app.screen)
        assert {command.help for command in EVERYWHERE} <= {command.help for command in commands}
        await stage.press("question_mark")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        shown = " ".join(stage.app.screen.query_one(Words).plain.split())
        for command in commands:
            assert command.help in shown
            assert command.keys in shown
        await stage.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, Help))

    play(story)


def test_the_palette_holds_every_action() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        wanted = [command.help for command in available(stage.app.screen)]
        await stage.press("ctrl+p")
        await stage.until(lambda: isinstance(stage.app.screen, CommandPalette))
        palette = stage.app.screen
        await stage.until(lambda: len(palette.query_one("CommandList").options) > len(wanted))
        offered = "\n".join(str(option.prompt) for option in palette.query_one("CommandList").options)
        for text in [*wanted, "Sort by Sent", "Theme nord", "Theme notifier-light"]:
            assert text in offered

    play(story)


def first_offered(stage: Stage) -> str:
    options = stage.app.screen.query_one("CommandList").options
    return str(options[0].prompt) if options else ""


def test_the_palette_acts() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        for typed, best, seen in (
            ("sort by sent", "Sort by Sent", "by Sent ▼"),
            ("go to instances", "Go to Instances", "2 instances"),
            ("pause what", "Pause what moves", "PAUSED"),
        ):
            await stage.press("ctrl+p")
            await stage.until(lambda: isinstance(stage.app.screen, CommandPalette))
            await stage.type(typed)
            await stage.until(lambda best=best: best in first_offered(stage), best)
            await stage.press("enter")
            await stage.sees(seen)

    play(story)


def test_space_pauses_and_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("7", "Nothing has happened")
        await stage.press("space")
        await stage.sees("PAUSED 0 s, 0 events since")
        stage.server.emit("client.connected", 12, user_id=1, login="alice")
        await stage.sees("12 events since")
        assert "client.connected" not in stage.screen
        await stage.press("space")
        await stage.sees("12 events, newest first", "client.connected")
        assert "PAUSED" not in stage.screen

    play(story)


def test_tables_rest_while_paused() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.press("space")
        await stage.sees("PAUSED")
        asked = stage.asked("GET", "/api/v1/admin/clients")
        stage.cluster.connect("5-eve")
        stage.server.emit("client.connected", user_id=5, login="eve")
        await stage.sees("1 event since")
        assert stage.asked("GET", "/api/v1/admin/clients") == asked
        await stage.press("space")
        await stage.sees("4 connections")

    play(story)


def test_r_fetches_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        stage.cluster.connect("5-eve")
        await stage.press("r")
        await stage.sees("4 connections")

    play(story)


@pytest.mark.parametrize("size", [(80, 24), (120, 60)])
def test_the_help_is_in_columns_and_says_nothing_twice(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "deliveries")
        await stage.press("question_mark")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        box = stage.app.screen.query_one(VerticalScroll)
        lines = stage.words("Help Words").splitlines()
        assert [line for line in lines if not line.startswith(" ")] == ["In the table", "On this page", "Everywhere"]
        column = lines[1].index("One row up")
        assert {line[column - 2 : column] for line in lines if line.startswith(" ")} == {"  "}
        assert " " not in {line[column] for line in lines if line.startswith(" ")}
        assert max(map(cell_len, lines)) < box.content_size.width
        assert sum("Leave the dashboard" in line for line in lines) == 1
        places = [
            next(place for place, line in enumerate(lines) if text in line) for text in ("Filter the", "Write the")
        ]
        assert lines.index("On this page") < places[0] < places[1], "what the page has of its own comes first"

    play(story, size=size)


def test_themes_are_remembered(tmp_path: Path) -> None:
    kept = tmp_path / "tui.json"

    async def first(stage: Stage) -> None:
        assert stage.app.theme == "notifier-dark"
        await stage.press("t")
        assert stage.app.theme == "notifier-light"

    async def second(stage: Stage) -> None:
        assert stage.app.theme == "notifier-light"
        stage.app.choose_theme("nord")

    async def third(stage: Stage) -> None:
        assert stage.app.theme == "nord"
        await stage.press("t")
        assert stage.app.theme == "notifier-dark"

    for story in (first, second, third):
        play(story, preferences=kept)


def test_a_theme_that_cannot_be_kept_is_shown_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    async def story(stage: Stage) -> None:
        await stage.press("t")
        assert stage.app.theme == "notifier-light"
        assert any("will not be remembered" in said for said in stage.toasts)

    play(story, preferences=tmp_path / "file" / "tui.json")


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
def test_leaving(key: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.press(key)
        await stage.until(lambda: stage.app._exit)
        assert stage.app.return_code == 0

    play(story)
