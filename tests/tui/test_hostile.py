"""Text from outside in every view: shown as it is, never obeyed."""

from __future__ import annotations

import pytest
from textual.events import Paste

from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play

ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b2J"
HOSTILE = [
    "[/nope]",
    "[@click=app.quit]click[/]",
    "[bold red]x[/bold red]",
    ESCAPES,
    "\u202egnp.exe",
    "a\nb\tc",
    "\ud800",
    "$primary",
]


def poisoned(text: str) -> FakeCluster:
    cluster = FakeCluster(health=small_cluster().health, metrics=small_cluster().metrics)
    key = f"7-{text}"
    cluster.connect(key, remote=text, pod_id=text, connection_id=text)
    cluster.store(key, text, source=text, title=text, data={text: text})
    cluster.pods.append({"pod_id": text, "version": text, "heartbeat_age_s": 1})
    cluster.health = {"status": text, "components": {text: {"status": text, "detail": text}}}
    cluster.metrics |= {"version": text, "pod_id": text}
    return cluster


def obeyed(screen: str) -> list[str]:
    return [char for char in screen if not char.isprintable() and char != "\n"]


@pytest.mark.parametrize("text", HOSTILE)
def test_every_view_shows_it_and_lives(text: str) -> None:
    async def story(stage: Stage) -> None:
        for kind in ("notification.stored", "client.connected", text):
            stage.server.emit(kind, user_id=7, login=text, message=text, source=text, pod=text, notification_id=text)
        await stage.until(lambda: stage.app.world.tail.arrived == 3)
        for view in "12346718":
            await stage.press(view, "escape")
            await stage.pilot.pause()
            assert not obeyed(stage.screen)
        for view, keys in (("2", ("enter",)), ("4", ("enter",)), ("6", ("enter",)), ("7", ("enter",)), ("3", ("h",))):
            await stage.press(view)
            await stage.until(lambda: stage.page.table and stage.page.table.selected)
            await stage.press(*keys)
            await stage.pilot.pause(0.1)
            assert not obeyed(stage.screen)
            await stage.press("escape")
        await stage.press("2")
        await stage.until(lambda: stage.page.table and stage.page.table.selected)
        await stage.press("y", "c", "D")
        await stage.sees("Disconnect 1 connection of")
        assert not obeyed(stage.screen)
        assert stage.app.is_running

    play(story, cluster=poisoned(text))


def test_it_is_shown_as_escapes() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("4", "\\x1b[31m\\x1b]0;owned\\x07\\x9b2J")
        await stage.press("enter")
        await stage.sees("\\u001b[31m")

    play(story, cluster=poisoned(ESCAPES), size=(200, 50))


@pytest.mark.parametrize("text", ["[/nope]", "[@click=app.quit]"])
def test_markup_is_text(text: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", f"7-{text}")
        row = next(line for line in stage.lines if f"7-{text}" in line)
        place = stage.lines.index(row)
        await stage.pilot.click(offset=(row.index(text) + 2, place))
        await stage.press("enter")
        await stage.sees(f"User 7-{text}")
        await stage.pilot.click(offset=(stage.lines[2].index(text) + 2, 2))
        assert stage.app.is_running

    play(story, cluster=poisoned(text))


def test_what_is_pasted_into_a_field_cannot_drive_the_terminal() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("8", "What was sent is listed here")
        stage.page.query_one("#message").focus()
        stage.app.post_message(Paste(f"one\n{ESCAPES}\ttwo"))
        await stage.sees("[31m]0;owned")
        assert not obeyed(stage.screen)

    play(story)
