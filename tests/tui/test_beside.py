"""From 140 columns on the selected row stands in full beside the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.fake_server import small_cluster
from tests.tui.support import Stage, play
from tui.widgets.side_pane import SidePane

WIDE = (140, 40)


def pane(stage: Stage) -> SidePane:
    return stage.page.query_one(SidePane)


def test_it_follows_the_cursor() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections", "Open since", '"remote": "10.0.0.1"')
        await stage.press("down", "down")
        await stage.sees('"remote": "10.0.0.3"', "Buffer      293.0 KiB")
        assert pane(stage).border_title == stage.cluster.clients[2]["connection_id"]
        await stage.press("slash", "z", "z", "z")
        await stage.until(lambda: pane(stage).border_title == "nothing is selected")
        await stage.press("escape")
        await stage.until(lambda: pane(stage).border_title == stage.cluster.clients[2]["connection_id"])

    play(story, size=WIDE)


@pytest.mark.parametrize(
    ("view", "seen"),
    [
        ("3", "Devices"),
        ("4", "Message"),
        ("6", "Last heartbeat"),
        ("9", "0 of 3"),
        ("0", "Failed"),
        ("minus", "Failures in a row"),
    ],
)
def test_every_list_has_its_facts(view: str, seen: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.press(view)
        await stage.until(lambda: pane(stage).display and seen in stage.screen and "{" in stage.screen)

    play(story, size=WIDE)


def test_new_data_of_the_row_come_in_and_leave_it_scrolled() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections", "of which 9 were read")
        await stage.press("tab", "down")
        await stage.until(lambda: pane(stage).scroll_offset.y > 0)
        stage.cluster.clients[0]["acked"] = 11
        stage.server.emit("client.connected", user_id=1, login="alice")
        await stage.until(lambda: "11 were read" in pane(stage).query_one("Facts").plain)  # type: ignore[attr-defined]
        assert pane(stage).scroll_offset.y > 0
        await stage.press("tab", "down")
        await stage.until(lambda: pane(stage).scroll_offset.y == 0)

    play(story, size=(140, 24))


def test_hostile_rows_stay_inside() -> None:
    cluster = small_cluster()
    cluster.connect("9-x", remote="\x1b]0;owned\x07" + "a" * 50_000)

    async def story(stage: Stage) -> None:
        await stage.view("2", "4 connections")
        await stage.press("end")
        await stage.sees("\\x1b]0;owned\\x07aaa")

    play(story, size=WIDE, cluster=cluster)


def test_the_list_is_not_cut_while_the_pane_has_room_to_give() -> None:
    cluster = small_cluster()
    cluster.deliveries.add("sent", "webhook", "https://example.com/a/rather/long/place/for/hooks")

    async def story(stage: Stage) -> None:
        await stage.view("9", "11 deliveries")
        await stage.until(lambda: 46 <= pane(stage).size.width + 4 < 80)
        await stage.sees("https://example.com/a/rather/long/place/for/hooks ")

    play(story, size=(200, 50), cluster=cluster)


def test_where_there_is_no_room_there_is_none() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        assert not pane(stage).display
        await stage.press("v")
        await stage.sees("the pane needs 140 columns, and here are 139")
        await stage.pilot.resize_terminal(140, 40)
        await stage.until(lambda: pane(stage).display)

    play(story, size=(139, 40))


def test_v_puts_it_away_and_that_is_remembered(tmp_path: Path) -> None:
    kept = tmp_path / "tui.json"

    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.until(lambda: pane(stage).display)
        await stage.press("v")
        await stage.until(lambda: not pane(stage).display)
        await stage.view("4", "4 unread")
        assert not pane(stage).display

    play(story, size=WIDE, preferences=kept)

    async def again(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        assert not pane(stage).display
        await stage.press("v")
        await stage.until(lambda: pane(stage).display)

    play(again, size=WIDE, preferences=kept)
