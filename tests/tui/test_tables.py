"""Behaviour of all tables: filter, sort, keep the selection, redraw no more than what changed."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.geometry import Region

from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.widgets.filter_bar import FilterBar
from tui.widgets.table import Table


def crowd(count: int = 337) -> FakeCluster:
    cluster = small_cluster()
    for number in range(10, 10 + count):
        cluster.connect(f"{number}-user{number}", sent=number)
    return cluster


def test_the_filter_works_while_one_types_and_says_how_many_pass() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "340 connections")
        await stage.press("slash")
        await stage.type("user30")
        await stage.sees("11 of 340 connections")
        assert len(stage.table.listing.visible) == 11
        await stage.press("enter")
        assert isinstance(stage.app.focused, Table)
        await stage.sees("11 of 340 connections")
        await stage.press("escape")
        await stage.sees("340 connections")
        assert " of 340" not in stage.screen
        assert not stage.page.query_one(FilterBar).has_class("-open")

    play(story, cluster=crowd())


def test_escape_in_the_filter_drops_it_and_keys_typed_there_are_text() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "340 connections")
        await stage.press("slash")
        await stage.type("q 2?")
        assert stage.page.query_one(FilterBar).needle == "q 2?"
        await stage.sees("No connections match the filter")
        await stage.press("escape")
        await stage.sees("340 connections")
        assert isinstance(stage.app.focused, Table)

    play(story, cluster=crowd())


def test_sorting_by_key_and_by_header() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "by User ▲", "User ▲")
        await stage.press("s")
        await stage.sees("by From ▲", "From ▲")
        await stage.press("i")
        await stage.sees("by From ▼")
        header = next(line for line in stage.lines if "Sent" in line and "From" in line)
        table = stage.table
        await stage.pilot.click(table, offset=(header.index("Sent") + 1, 0))
        await stage.sees("by Sent ▼")
        assert table.listing.visible[0].sent == 346
        await stage.pilot.click(table, offset=(header.index("Sent") + 1, 0))
        await stage.sees("by Sent ▲")

    play(story, cluster=crowd())


def test_selection_and_scroll_survive_a_refresh() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "340 connections")
        table = stage.table
        await stage.press(*["pagedown"] * 3, *["up"] * 4)
        chosen, line = table.selected, table._cursor - table.scroll_offset.y
        assert table.scroll_offset.y > 30
        stage.cluster.connect("3-aaron")
        stage.cluster.connect("4-aaron")
        stage.server.emit("client.connected", user_id=3, login="aaron")
        await stage.sees("342 connections")
        assert table.selected.connection_id == chosen.connection_id
        assert table._cursor - table.scroll_offset.y == line

    play(story, cluster=crowd())


def test_the_selected_row_goes_and_the_cursor_stays_in_place() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "340 connections")
        await stage.press("down", "down")
        gone = stage.table.selected
        stage.cluster.clients[:] = [row for row in stage.cluster.clients if row["connection_id"] != gone.connection_id]
        stage.server.emit("client.disconnected", user_id=1, login="alice")
        await stage.sees("339 connections")
        assert stage.table._cursor == 2

    play(story, cluster=crowd())


def test_a_list_that_shrinks_leaves_no_cursor_behind() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "340 connections")
        await stage.press("end")
        assert stage.table._cursor == 339
        del stage.cluster.clients[2:]
        stage.server.emit("client.disconnected", user_id=1, login="alice")
        await stage.sees("2 connections")
        await stage.until(lambda: stage.table.scroll_offset.y == 0)
        assert stage.table._cursor == 1
        assert "1-alice" in stage.screen

    play(story, cluster=crowd())


@pytest.mark.parametrize("keys", [("end", 339), ("G", 339), ("j", 1), ("down", 1), ("pagedown", 31)])
def test_moving(keys: tuple[str, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "340 connections")
        key, place = keys
        await stage.press(key)
        assert stage.table._cursor == place
        await stage.press("home")
        assert stage.table._cursor == 0
        await stage.press(key, "g")
        assert stage.table._cursor == 0
        await stage.press("k", "up", "pageup")
        assert stage.table._cursor == 0

    play(story, cluster=crowd())


def test_only_lines_that_changed_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[tuple[Region, ...]] = []
    refresh = Table.refresh

    def watched(self: Table, *regions: Region, **options: bool) -> Table:
        if options.get("repaint", True):
            painted.append(regions)
        return refresh(self, *regions, **options)

    cluster = crowd()
    for row in cluster.clients:
        row["last_seen"] = row["connected_at"]  # so that no age changes meanwhile

    async def story(stage: Stage) -> None:
        await stage.view("2", "340 connections")
        await stage.pilot.pause()  # what the view's coming has left to paint
        stage.cluster.clients[0]["sent"] = 4711
        monkeypatch.setattr(Table, "refresh", watched)
        stage.server.emit("notification.pushed", user_id=1, login="alice")
        await stage.sees("4,711")
        lines = [region.y for regions in painted for region in regions]
        assert all(painted), "the whole table was painted"
        assert 0 < len(lines) <= 2

    play(story, cluster=cluster)


def test_mouse_selects_and_a_double_click_opens() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.pilot.click(stage.table, offset=(5, 3))
        assert str(stage.table.selected.user) == "2-bob"
        await stage.pilot.click(stage.table, offset=(5, 2), times=2)
        await stage.sees("User 1-alice", "lock owner pod-a")

    play(story)


def test_columns_stay_straight_with_wide_characters() -> None:
    cluster = small_cluster()
    cluster.connect("7-日本太郎日本太郎日本太郎", remote="10.9.9.9")
    cluster.connect("8-zoë", remote="10.9.9.8")

    async def story(stage: Stage) -> None:
        await stage.view("2", "5 connections", "10.9.9.9")
        columns = {
            cell_len(line[: line.index("10.")])
            for line in stage.lines
            if "10." in line and "pod" in line and "127" not in line
        }
        assert len(columns) == 1
        assert all(cell_len(line) <= 80 for line in stage.lines)

    play(story, cluster=cluster, size=(80, 24))


def test_copying_an_id_and_json() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        row = stage.table.selected
        await stage.press("y")
        assert stage.app.clipboard == row.connection_id
        assert f"Copied {row.connection_id}" in stage.toasts
        await stage.press("c")
        assert '"remote": "10.0.0.1"' in stage.app.clipboard

    play(story)


def test_no_rows_say_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "Nobody is connected")
        await stage.press("enter", "y", "c", "u", "h", "D", "down")
        await stage.sees("Nobody is connected")

    play(story, cluster=_empty())


def _empty() -> FakeCluster:
    cluster = small_cluster()
    cluster.clients.clear()
    return cluster
