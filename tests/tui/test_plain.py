"""The screen never keeps silent: keys without effect, nothing loaded, nobody known, what is wrong first."""

from __future__ import annotations

from unittest.mock import PropertyMock, patch

import pytest
from textual.app import ScreenStackError

from tests.tui.answers import problem
from tests.tui.fake_server import FakeServer, small_cluster
from tests.tui.support import Stage, play, quickly
from tui.app import Dashboard
from tui.client import AdminClient
from tui.dialogs.help import Help
from tui.screens.send import Tick
from tui.widgets.health_panel import HealthPanel
from tui.widgets.key_bar import KeyBar
from tui.widgets.words import Words


def test_a_key_without_effect_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        for key, said in (
            ("x", "x does nothing here; ? lists the keys"),
            ("ctrl+k", "^k does nothing"),
            ("A", "A does"),
        ):
            await stage.press(key)
            await stage.sees(said)
        await stage.press("question_mark", "x")
        await stage.until(lambda: any("x does nothing here" in said for said in stage.toasts))

    play(story)


def test_a_key_that_would_write_says_why_it_does_not() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        await stage.press("X")
        await stage.sees("X: this dashboard is read-only")

    play(story, read_only=True)


def test_tab_and_ctrl_c_are_in_help_and_footer() -> None:
    async def story(stage: Stage) -> None:
        assert "tab next" in stage.keys
        assert "q ^c quit" in stage.keys
        await stage.press("question_mark")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        shown = stage.app.screen.query_one(Words).plain
        assert "tab  To the next table or field" in shown
        assert "q ^c ^q  Leave the dashboard" in shown
        await stage.press("escape")
        await stage.view("2", "3 connections")
        assert "tab next" not in stage.keys
        await stage.press("tab")
        await stage.sees("tab does nothing here")

    play(story)


@pytest.mark.parametrize("view", ["1", "2", "3", "4", "6", "9", "0", "minus"])
@pytest.mark.parametrize(("status", "said"), [(401, "refused: the token is missing"), (503, "unavailable: away")])
def test_nothing_loads_for_ever(view: str, status: int, said: str) -> None:
    async def story() -> None:
        async with FakeServer() as server:
            server.refuse["/"] = problem(status, "away")
            app = Dashboard(AdminClient(server.url))
            async with app.run_test(size=(120, 36)) as pilot:
                stage = Stage(server, app, pilot)
                await stage.press(view)
                await stage.sees(said)
                assert "Loading" not in stage.screen
                server.refuse.clear()
                await stage.press("r")
                await stage.sees("● live")
                await stage.until(lambda: said not in stage.screen and stage.table.listing.visible)

    import asyncio

    with quickly():
        asyncio.run(story())


def test_a_user_who_never_existed_is_not_said_to_be_empty() -> None:
    async def story(stage: Stage) -> None:
        stage.burst("5", "99-nobody", "enter")
        await stage.sees("the server knows no user 99-nobody: never seen, or all of theirs has expired")
        stage.burst("o", *["backspace"] * 20, "2-bob", "enter")
        await stage.sees("This inbox is empty")
        stage.burst("o", *["backspace"] * 20, "1-alice", "enter")
        await stage.sees("4 notifications")
        stage.burst("o", *["backspace"] * 20, "99-nobody", "enter")
        await stage.sees("the server knows no user 99-nobody")
        assert "old one" not in stage.screen

    play(story)


def test_what_is_wrong_stands_first() -> None:
    cluster = small_cluster()
    for number in range(12):
        cluster.pods.append(cluster.pods[0] | {"pod_id": f"pod-c{number}"})
    cluster.pods[-1] |= {"alive": False}
    cluster.pods[-3] |= {"heartbeat_age_s": 75}
    cluster.health["components"] = {f"part{n}": {"status": "ok"} for n in range(12)} | {"last": {"status": "degraded"}}

    async def story(stage: Stage) -> None:
        await stage.sees("pod-c11", "✕ gone", "pod-c9", "▲ late", "1 gone, 1 late", "Instances 14")
        assert stage.page.query_one(HealthPanel).plain.startswith("last       ▲ degraded")
        await stage.view("6", "14 instances")
        assert [row.pod_id for row in stage.table.listing.visible[:3]] == ["pod-c11", "pod-c9", "pod-a"]
        await stage.view("minus", "3 providers")
        assert [row.state for row in stage.table.listing.visible] == ["open", "half_open", "closed"]

    play(story, cluster=cluster, size=(80, 24))


def test_a_total_since_the_start_is_no_alarm() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("minus", "3 providers")
        column = next(column for column in stage.table.listing.columns if column.name == "failed")
        assert all(column.tone(row) in ("", "dim") for row in stage.table.listing.visible)

    play(story)


def test_a_box_holds_a_mark_only_where_it_is_ticked() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("8", "all connected: no")
        tick = stage.page.query_one(Tick)
        assert "X" not in str(tick.render())
        assert "✓" not in str(tick.render())
        tick.toggle()
        await stage.sees("all connected: yes")
        assert "✓" in str(tick.render())

    play(story)


def test_columns_at_80_by_24() -> None:
    async def story(stage: Stage) -> None:
        for view, names in (
            ("4", ("Time UTC", "Age", "User", "Source", "Message")),
            ("9", ("Age", "Status", "Channel", "To", "Retries", "Error")),
            ("minus", ("Provider", "Circuit", "Queue", "p95", "p99")),
            ("6", ("Instance", "State", "Beat", "Conns", "Locks", "Bus lag")),
        ):
            await stage.press(view)
            await stage.until(lambda: stage.table.listing.visible)
            header = stage.table.render_line(0).text
            for name in names:
                assert name in header

    play(story, size=(80, 24))


def test_nothing_is_cut_beside_blank_space() -> None:
    cluster = small_cluster()
    cluster.deliveries.add("queued", "apprise-signal-group", "somebody@a-very-long-name.example.com", provider="p" * 30)
    cluster.connect("7-zoe", pod_id="notifier-eu-west-1-7f9c6d-x2x4z", remote="2001:db8:85a3::8a2e:370:7334")

    async def story(stage: Stage) -> None:
        await stage.view("9", "apprise-signal-group", "somebody@a-very-long-name.example.com", "p" * 30)
        await stage.view("2", "notifier-eu-west-1-7f9c6d-x2x4z", "2001:db8:85a3::8a2e:370:7334")

    play(story, cluster=cluster, size=(200, 50))


def test_the_selected_row_keeps_its_colours() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        table = stage.table
        for place in range(10):
            plain = {seg.text.strip(): seg.style for seg in table.render_line(place + 1)}
            table.select(place)
            chosen = {seg.text.strip(): seg.style for seg in table.render_line(place + 1)}
            table.select(0 if place else 1)
            status = next(text for text in plain if text[:1] in "○▲✕◌–◐◔✓" and text)
            assert chosen[status].color == plain[status].color or place == 0

    play(story)


def test_a_remark_that_ends_while_the_dashboard_is_left_breaks_nothing() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.press("x")
        await stage.sees("x does nothing here")
        bar = stage.page.query_one(KeyBar)
        left = PropertyMock(side_effect=ScreenStackError)
        with (
            patch.object(Dashboard, "screen_stack", PropertyMock(return_value=[])),
            patch.object(Dashboard, "screen", left),
        ):
            bar._forget()
        assert bar._note == ""

    play(story)
