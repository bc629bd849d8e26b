"""Terminals too small, and terminals without colour."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.tui.support import Stage, fill, play
from tui.commands import key_name
from tui.screens import find_views


def test_a_small_terminal_is_told_so_with_the_figures_that_matter() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees(
            "This terminal has 60×15 cells.", "needs 80×24", "3 connections, 4 unread", "p95 4.8 ms", "live"
        )
        assert "Instances" not in stage.screen
        await stage.pilot.resize_terminal(80, 24)
        await stage.sees("Latency ms", "Instances")
        assert "This terminal has" not in stage.screen
        await stage.pilot.resize_terminal(60, 15)
        await stage.sees("This terminal has 60×15 cells.")

    play(story, size=(60, 15))


def test_every_view_gives_way_and_comes_back() -> None:
    async def story(stage: Stage) -> None:
        for view in "2345678":
            await stage.press(view, "escape")
            await stage.pilot.resize_terminal(40, 10)
            await stage.sees("This terminal has 40×10")
            await stage.pilot.resize_terminal(100, 30)
            await stage.until(lambda: "This terminal has" not in stage.screen)

    play(story)


@pytest.mark.parametrize(
    ("width", "view", "seen"),
    [
        (
            160,
            "1",
            " 1 Overview  2 Clients 3 Users 4 Pending 5 History 6 Instances 7 Events 8 Send 9 Deliveries 0 Dead",
        ),
        (80, "1", " 1 Overview  2 Clients 3 Users 4 Pending 5 History 6 "),
        (80, "9", " 8 Send  9 Deliveries  0 Dead letters - Providers "),
        (80, "minus", " 0 Dead letters  - Providers  = Channels "),
    ],
)
def test_names_of_views_are_whole_and_nearest_first(width: int, view: str, seen: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.press(view)
        await stage.sees(seen)
        line = stage.lines[1]
        assert all(f" {key_name(view.tab.key)}" in line for view in find_views())
        assert cell_len(line) <= width

    play(story, size=(width, 24))


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (500, 200)])
def test_no_size_breaks_it(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        for view in "12345678":
            await stage.press(view, "escape")
        assert all(cell_len(line) <= size[0] for line in stage.lines)

    play(story, size=size)


@pytest.fixture
def no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("no_color")
def test_without_colour_no_colour_is_written() -> None:
    async def story(stage: Stage) -> None:
        for view in "12345678":
            await stage.press(view, "escape")
            await stage.pilot.pause()
            for strip in stage.app.screen._compositor.render_strips():
                for segment in strip.apply_filter(stage.app._filters[-1], stage.app.screen.background_colors[1]):
                    style = segment.style
                    assert style is None or not (style.color and style.color.name != "default"), segment
                    assert style is None or not (style.bgcolor and style.bgcolor.name != "default"), segment

    play(story)


@pytest.mark.usefixtures("no_color")
def test_without_colour_lines_of_charts_are_letters_and_the_cursor_is_seen() -> None:
    async def story(stage: Stage) -> None:
        fill(stage.app.world.history)
        stage.page.show_world()
        await stage.sees("Rate/s sent 40 push 90 ack 1", "00000", "99999", "ppppp")
        await stage.view("2", "›1-alice")
        table = stage.table
        strip = table.render_line(1)
        assert any(segment.style is not None and segment.style.reverse for segment in strip)
        await stage.press("t")
        assert any("NO_COLOR is set" in said for said in stage.toasts)

    play(story)
