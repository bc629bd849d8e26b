"""Writing to chosen users or to all, and what became of it."""

from __future__ import annotations

import pytest
from textual.widgets import Button, Checkbox, Input, TextArea

from tests.tui.answers import problem
from tests.tui.support import Stage, play
from tui.dialogs.confirm import Confirm
from tui.screens.send import Send


async def write(stage: Stage, to: str, message: str) -> None:
    await stage.view("8", "What was sent is listed here")
    await stage.type(to)
    stage.page.query_one("#message", TextArea).focus()
    await stage.type(message)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_to_chosen_users(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await write(stage, "1-alice,2:bob", "hello 8 q?")
        await stage.press("ctrl+s")
        await stage.sees("✓ accepted for 2 users", "1-alice", "2-bob")
        body = stage.server.bodies[-1]
        targets = [{"id": 1, "login": "alice"}, {"id": 2, "login": "bob"}]
        assert body == {"target": targets, "message": "hello 8 q?", "source": "dashboard"}
        await stage.press("escape", "down", "y")
        assert len(stage.app.clipboard) == 36

    play(story, size=size)


def test_to_all_after_asking() -> None:
    async def story(stage: Stage) -> None:
        await write(stage, "", "maintenance at noon")
        stage.page.query_one(Checkbox).focus()
        await stage.press("space")
        await stage.sees("all connected: yes")
        assert stage.page.query_one("#to", Input).disabled
        await stage.press("ctrl+s")
        await stage.sees("Send to everybody who is connected, 3 connections now?")
        await stage.press("enter")
        await stage.sees("not sent")
        assert not stage.server.bodies
        await stage.press("ctrl+s")
        await stage.until(lambda: isinstance(stage.app.screen, Confirm))
        await stage.press("y")
        await stage.sees("✓ accepted for 2 connected users")
        assert stage.server.bodies == [{"message": "maintenance at noon", "source": "dashboard"}]

    play(story)


@pytest.mark.parametrize(
    ("to", "message", "said"),
    [
        ("", "x", "name at least one user"),
        ("1-alice bob", "x", "bob names no user"),
        ("1-alice", "  ", "write a message first"),
    ],
)
def test_what_is_missing_is_said(to: str, message: str, said: str) -> None:
    async def story(stage: Stage) -> None:
        await write(stage, to, message)
        await stage.press("ctrl+s")
        await stage.sees(said)
        assert not stage.server.bodies

    play(story)


def test_bounds() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("8")
        stage.page.query_one("#to", Input).value = " ".join(f"{number}-u" for number in range(1, 1002))
        stage.page.query_one("#message", TextArea).text = "x" * 8193
        await stage.press("ctrl+s")
        await stage.sees("at most 1,000 users at a time, not 1,001")
        stage.page.query_one("#to", Input).value = "1-alice"
        await stage.press("ctrl+s")
        await stage.sees("at most 8,192 characters, not 8,193")

    play(story, size=(140, 40))


def test_a_refusal_is_shown_and_a_second_try_stores_nothing_twice() -> None:
    async def story(stage: Stage) -> None:
        await write(stage, "1-alice", "once")
        stage.server.refuse["/api/v1/notify"] = problem(
            422, "bad", [{"path": "message", "message": "not \x1b[31mthis"}]
        )
        await stage.press("ctrl+s")
        await stage.sees("✕ not sent: message: not \\x1b[31mthis (422)")
        stage.server.refuse.clear()
        await stage.press("ctrl+s")
        await stage.sees("✓ accepted for 1 user")
        await stage.press("ctrl+s")
        await stage.until(lambda: len(stage.server.keys) == 2)
        assert len(set(stage.server.keys)) == 2
        stage.server.refuse["/api/v1/notify"] = problem(503, "the store is away")
        await stage.press("ctrl+s")
        await stage.sees("✕ not sent: the store is away")
        page = stage.page
        assert isinstance(page, Send)
        key = page._key
        stage.server.refuse.clear()
        await stage.press("ctrl+s")
        await stage.until(lambda: len(stage.server.keys) == 3)
        assert stage.server.keys[-1] == key

    play(story)


def test_the_button_does_the_same() -> None:
    async def story(stage: Stage) -> None:
        await write(stage, "1-alice", "by button")
        stage.page.query_one(Button).focus()
        await stage.press("enter")
        await stage.sees("✓ accepted for 1 user")

    play(story)


def test_users_are_gathered_from_other_views() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await stage.press("a")
        await stage.until(lambda: "1 user to send to; 8 goes there" in stage.toasts)
        await stage.press("down", "a")
        await stage.until(lambda: "2 users to send to; 8 goes there" in stage.toasts)
        await stage.sees("3 users")
        await stage.press("end", "n")
        await stage.until(lambda: isinstance(stage.page, Send))
        assert stage.page.query_one("#to", Input).value == "1-alice 3-carol 2-bob"

    play(story)


def test_read_only_sends_nothing() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("8", "This dashboard is read-only: nothing can be sent.")
        assert "send" not in stage.keys
        assert stage.page.query_one(Button).disabled
        await stage.press("ctrl+s", "enter")
        assert stage.asked("POST", "/") == 0
        await stage.view("2", "3 connections")

    play(story, read_only=True)
