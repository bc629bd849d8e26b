"""Disconnect and clear: named with their count, No unless one says Yes, and not there at all when one only reads."""

from __future__ import annotations

import pytest

from tests.tui.answers import problem
from tests.tui.support import Stage, play
from tui.dialogs import confirm
from tui.dialogs.confirm import Confirm
from tui.dialogs.help import Help

NO_KEYS = [("enter",), ("n",), ("escape",), ("right", "left", "enter")]
YES_KEYS = [("y",), ("right", "enter"), ("tab", "enter")]


async def ask(stage: Stage, view: str, key: str, question: str) -> None:
    await stage.view(view, "alice")
    await stage.press(key)
    await stage.sees(question)
    assert isinstance(stage.app.screen, Confirm)


@pytest.mark.parametrize("keys", NO_KEYS)
def test_the_answer_is_no_by_default(keys: tuple[str, ...]) -> None:
    async def story(stage: Stage) -> None:
        await ask(stage, "2", "D", "Disconnect 1 connection of 1-alice from 10.0.0.1?")
        await stage.press(*keys)
        await stage.until(lambda: not isinstance(stage.app.screen, Confirm))
        assert stage.asked("DELETE", "/") == 0

    play(story)


@pytest.mark.parametrize("keys", YES_KEYS)
def test_one_connection(keys: tuple[str, ...]) -> None:
    async def story(stage: Stage) -> None:
        await ask(stage, "2", "D", "Disconnect 1 connection of 1-alice from 10.0.0.1?")
        await stage.press(*keys)
        await stage.sees("2 connections")
        assert "Disconnected 1 connection of 1-alice" in stage.toasts

    play(story)


@pytest.mark.parametrize("keys", YES_KEYS)
def test_yes_that_comes_before_the_question_can_be_read_does_not_count(
    keys: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Stage) -> None:
        monkeypatch.setattr(confirm, "UNREAD", 3600.0)
        await ask(stage, "2", "D", "Disconnect 1 connection")
        await stage.press(*keys)
        await stage.sees("too soon to have been read: once more for yes")
        assert isinstance(stage.app.screen, Confirm)
        assert stage.asked("DELETE", "/") == 0
        monkeypatch.setattr(confirm, "UNREAD", 0.0)
        await stage.press("y")
        await stage.sees("2 connections")

    play(story)


def test_the_dialog_takes_the_keys_of_the_page_to_itself() -> None:
    async def story(stage: Stage) -> None:
        await ask(stage, "2", "D", "Disconnect 1 connection")
        await stage.press("2", "q", "space", "question_mark", "t", "ctrl+p")
        assert isinstance(stage.app.screen, Confirm)
        assert not stage.app.paused

    play(story)


def test_all_connections_of_a_user() -> None:
    async def story(stage: Stage) -> None:
        await ask(stage, "3", "D", "Disconnect 2 connections of 1-alice?")
        stage.cluster.clients.pop(0)
        await stage.press("y")
        await stage.until(lambda: "Disconnected 1 connection of 1-alice" in stage.toasts)
        assert [row["login"] for row in stage.cluster.clients] == ["bob"]

    play(story)


@pytest.mark.parametrize("view", ["2", "3"])
def test_clearing(view: str) -> None:
    async def story(stage: Stage) -> None:
        await ask(stage, view, "X", "Clear 3 unread notifications of 1-alice?")
        await stage.press("y")
        await stage.until(lambda: "Cleared 3 unread notifications of 1-alice" in stage.toasts)
        await stage.view("4", "1 unread notification ")

    play(story)


def test_from_the_page_of_a_user() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await stage.press("enter")
        await stage.sees("Devices 2")
        await stage.press("X")
        await stage.sees("Clear 3 unread notifications of 1-alice?")
        await stage.press("y")
        await stage.sees("Pending 0", "○ cleared")

    play(story)


def test_nothing_to_do_is_said() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await stage.press("end", "X")
        await stage.until(lambda: "There is nothing to do" in stage.toasts)
        assert not isinstance(stage.app.screen, Confirm)

    play(story)


def test_a_refusal_is_said() -> None:
    async def story(stage: Stage) -> None:
        await ask(stage, "2", "D", "Disconnect 1 connection")
        stage.server.refuse["/api/v1/admin/clients/"] = problem(503, "the store is away")
        await stage.press("y")
        await stage.until(lambda: "Not done: the store is away" in stage.toasts)
        assert len(stage.cluster.clients) == 3

    play(story)


def test_read_only_takes_away_what_writes() -> None:
    async def story(stage: Stage) -> None:
        assert "READ-ONLY" in stage.status
        await stage.view("2", "3 connections")
        assert "disconnect" not in stage.keys
        await stage.press("D", "X", "n", "a")
        assert not isinstance(stage.app.screen, Confirm)
        await stage.press("question_mark")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        await stage.until(lambda: "Show the history of the user" in stage.screen)
        assert "asks first" not in stage.screen
        assert all(method == "GET" for method, _ in stage.server.requests)

    play(story, read_only=True, size=(120, 50))
