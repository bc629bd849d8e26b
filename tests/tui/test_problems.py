"""The first line and the list of problems: what is wrong is said on every view, and what is not known is never green."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.tui.answers import problem
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.record import RecordDetail
from tui.link import State
from tui.problems import Board, Knowledge
from tui.screens.dead_letters import DeadLetterView
from tui.screens.deliveries import Deliveries
from tui.screens.instances import Instances
from tui.screens.problems import Problems
from tui.widgets.alarm_line import in_words
from tui.widgets.status_bar import StatusBar
from tui.world import World

WORST = "✕ 4 problems  push:android circuit open 9m, 218 held"
PROBLEMS = "/api/v1/admin/problems"


def burning() -> FakeCluster:
    cluster = small_cluster()
    trouble = cluster.cockpit.trouble
    trouble(
        "circuit_open",
        "push:android",
        "push:android circuit open 9m, 218 held",
        open={"view": "deliveries", "id": "push:android"},
    )
    trouble(
        "instance_gone",
        "pod-b",
        "pod-b gone 2m",
        open={"view": "instances", "id": "pod-b"},
        value=120.0,
        threshold=60.0,
    )
    trouble("delivery_slow", "", "p99 919 ms", "warning", value=919.0, threshold=500.0, open=None)
    trouble(
        "dead_letters_growing", "sms", "sms 3 dead letters more", "warning", open={"view": "dead_letters", "id": "sms"}
    )
    trouble("simulated", "sms", "sms is simulated", "notice", since=None)
    return cluster


def green(stage: Stage) -> list[str]:
    """The parts of the first line that are green."""
    return [text for text, style in stage.page.query_one(StatusBar)._parts if "success" in style]


def test_no_problems_is_said_in_green() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("● live", "✓ no problems")
        assert "✓ no problems" in green(stage)
        stage.cluster.cockpit.trouble("simulated", "sms", "sms is simulated", "notice")
        await stage.sees("✓ no problems  ○ 1 notice: sms is simulated")

    play(story)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_every_view_says_what_is_wrong_the_worst_first(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        for key in [*stage.app.setting.tabs]:
            await stage.press(key.key)
            await stage.sees("✕ 4  push:android circuit open 9m, 218 held +3" if size[0] == 80 else WORST)
            assert stage.lines[0].rstrip().endswith("!" if size[0] == 80 else "! list")
            assert not green(stage)
            await stage.press("escape")
        assert ("pod-b gone 2m · p99 919 ms · sms 3 dead letters more" in stage.lines[0]) is (size[0] == 200)
        assert bool(re.search(r" \+[1-3] ", stage.lines[0])) is (size[0] < 200)

    play(story, size=size, cluster=burning())


def test_it_clears_when_the_server_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("✕ 4 problems")
        del stage.cluster.cockpit.problems[:2]
        await stage.sees("▲ 2 problems  p99 919 ms")
        stage.cluster.cockpit.problems.clear()
        await stage.sees("● live   ✓ no problems")

    play(story, cluster=burning())


def test_an_older_server_is_named_and_never_green() -> None:
    cluster = small_cluster()
    cluster.cockpit.problems = None
    cluster.health["status"] = "degraded"

    async def story(stage: Stage) -> None:
        await stage.sees("● live   ? problems not known: an older server  its health degraded")
        assert not green(stage)
        await stage.view("exclamation_mark", "This server does not list its problems")

    play(story, cluster=cluster)


def test_what_cannot_be_asked_is_not_known() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("✓ no problems")
        stage.server.refuse[PROBLEMS] = problem(500, "no luck")
        board = stage.app.world.problems
        await stage.until(lambda: board.reason)
        assert board.answered_at is not None
        board.answered_at -= 60
        await stage.sees("? problems of 1 min ago")
        assert not green(stage)
        await stage.view("exclamation_mark", "Not known: no luck (500)")

    play(story)


def test_offline_is_never_green() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("✓ no problems")
        await stage.server.stop()
        await stage.sees("✕ offline")
        assert not green(stage)

    play(story)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_server_whose_store_is_away_still_says_what_is_wrong(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("✓ no problems")
        stage.server.refuse["/api/v1/metrics"] = problem(503, "the store is not available")
        await stage.sees("✕ unavailable, retrying")
        stage.cluster.cockpit.trouble("store_away", "", "Redis away 9s")
        await stage.sees("Redis away 9s")
        assert re.search(r"✕ 1( problem)?  Redis away 9s  data \d+ s old", stage.lines[0])
        assert stage.page.has_class("-stale")
        await stage.view("exclamation_mark", "1 problem, checked", "Redis away 9s")
        stage.cluster.cockpit.problems.clear()
        await stage.sees("✕ unavailable, retrying")
        stage.server.refuse.clear()
        await stage.sees("✓ no problems")

    play(story, size=size)


def test_a_list_that_is_clear_again_is_a_reason_to_try_at_once() -> None:
    async def story(stage: Stage) -> None:
        with patch("tui.link.BACKOFF", (600.0,)):
            stage.server.refuse["/api/v1/metrics"] = problem(503, "the store is not available")
            stage.cluster.cockpit.trouble("store_away", "", "Redis away 9s")
            await stage.sees("Redis away 9s  data")
            stage.server.refuse.clear()
            stage.cluster.cockpit.problems.clear()
            await stage.sees("✓ no problems")

    play(story)


def test_the_title_names_the_worst_of_a_server_whose_store_is_away() -> None:
    world = World("here")
    world.problems.answered({"problems": [{"kind": "store_away", "severity": "critical", "text": "Redis away"}]}, 5.0)
    world.link.failed(State.UNAVAILABLE, "no store", 5.0, 0.5)
    assert in_words(world, 6.0) == "✕ 1 problem: Redis away"
    assert in_words(world, 60.0) == "✕ unavailable"
    world.link.failed(State.OFFLINE, "refused", 6.0, 0.5)
    assert in_words(world, 7.0) == "✕ offline"


def test_the_list_says_how_many_and_opens_each() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("exclamation_mark", "4 problems, 1 notice, checked", "✕ critical", "▲ warning", "○ notice")
        listing = stage.page
        assert isinstance(listing, Problems)
        await stage.press("enter")
        await stage.sees("channel:push", "1 delivery")
        assert isinstance(stage.page, Deliveries)
        await stage.press("escape")
        await stage.until(lambda: stage.page is listing)
        await stage.press("down", "enter")
        await stage.until(lambda: isinstance(stage.page, Instances) and stage.table.selected)
        assert stage.table.selected.pod_id == "pod-b"
        await stage.press("escape", "down", "enter")
        await stage.until(lambda: isinstance(stage.page, RecordDetail))
        await stage.sees("919", "500", "delivery_slow")
        await stage.press("escape", "down", "enter")
        await stage.until(lambda: isinstance(stage.page, DeadLetterView))
        await stage.counts("3 of 3 dead letters")
        await stage.press("escape")
        await stage.until(lambda: stage.page is listing)

    play(story, cluster=burning())


def test_a_row_that_is_gone_meanwhile_is_said_to_be() -> None:
    cluster = small_cluster()
    cluster.cockpit.trouble("instance_gone", "pod-z", "pod-z gone 2m", open={"view": "instances", "id": "pod-z"})

    async def story(stage: Stage) -> None:
        await stage.view("exclamation_mark", "1 problem, checked")
        await stage.press("enter")
        await stage.until(lambda: "pod-z is not listed here" in stage.keys)

    play(story, cluster=cluster)


def test_the_longest_words_stand_whole_in_80_columns() -> None:
    cluster = small_cluster()
    longest = "push:android circuit open 9m for one recipient, 1234 held"
    cluster.cockpit.trouble("circuit_open", "push:android", longest)

    async def story(stage: Stage) -> None:
        await stage.view("exclamation_mark", "1 problem, checked")
        await stage.until(lambda: longest in "\n".join(stage.lines[2:]))
        assert stage.lines[0].startswith(" 127.0.0.1:")
        assert "✕ 1  push:android circuit open 9m for one recipient, 1" in stage.lines[0]
        stage.cluster.cockpit.problems.clear()
        await stage.until(lambda: stage.lines[0].startswith(" notifier  127.0.0.1:"))

    play(story, size=(80, 24), cluster=cluster)


def test_a_click_on_the_first_line_lists_them() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("✕ 4 problems")
        await stage.pilot.click(StatusBar, offset=(30, 0))
        await stage.sees("4 problems, 1 notice, checked")

    play(story, cluster=burning())


def test_a_small_terminal_lists_the_worst() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("This terminal has 60×15", "✕ push:android circuit open", "▲ p99 919 ms")

    play(story, size=(60, 15), cluster=burning())


def test_the_first_line_tells_while_paused() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("✓ no problems")
        await stage.press("space")
        await stage.sees("PAUSED")
        stage.cluster.cockpit.trouble("store_away", "redis", "Redis away 12s")
        await stage.sees("✕ 1 problem  Redis away 12s")

    play(story)


def test_the_bell_rings_for_new_ones_if_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []

    async def story(stage: Stage) -> None:
        monkeypatch.setattr(stage.app, "bell", lambda: rung.append(stage.status))
        stage.cluster.cockpit.trouble("store_away", "redis", "Redis away 12s")
        await stage.sees("✕ 1 problem")
        assert not rung
        await stage.press("ctrl+g")
        await stage.until(lambda: rung)  # once as a sample
        stage.cluster.cockpit.trouble("flood", "orders", "orders sends 900 a second", "warning")
        await stage.sees("✕ 2 problems")
        await stage.until(lambda: len(rung) == 2)
        stage.cluster.cockpit.trouble("simulated", "sms", "sms is simulated", "notice")
        await stage.until(lambda: stage.app.world.problems.notices)
        assert len(rung) == 2

    async def again(stage: Stage) -> None:
        assert stage.app._preferences.bell
        await stage.press("t", "ctrl+g")
        await stage.until(lambda: any("silent" in said for said in stage.toasts))

    play(story, preferences=tmp_path / "tui.json")
    play(again, preferences=tmp_path / "tui.json")


def test_the_title_names_the_worst() -> None:
    said: list[str] = []

    async def story(stage: Stage) -> None:
        stage.app.title_line._write = said.append
        stage.cluster.cockpit.trouble("store_away", "redis", "Redis away\x1b]2;evil\x07")
        await stage.sees("✕ 1 problem")
        await stage.until(lambda: said)
        assert said[-1].endswith(
            f"\x1b]2;✕ 1 problem: Redis away\\x1b]2;evil\\x07 – notifier {stage.app.world.url}\x07"
        )

    play(story)


def test_an_answer_counts_for_ten_seconds() -> None:
    board = Board()
    assert board.knowledge(0.0) is Knowledge.AWAITED
    assert board.answered({"problems": [{"kind": "flood", "severity": "critical"}]}, 5.0) == []
    assert (board.knowledge(15.0), board.knowledge(15.1)) == (Knowledge.KNOWN, Knowledge.OLD)
    begun = board.answered(
        {"problems": [{"kind": "flood", "severity": "critical"}, {"kind": "x", "severity": "warning"}]}, 6.0
    )
    assert [each.kind for each in begun] == ["x"]
    board.failed("gone", absent=True)
    assert board.knowledge(6.0) is Knowledge.ABSENT


@pytest.mark.parametrize("answer", [{}, {"problems": None}, {"problems": [None, 3, {}, {"severity": 4, "open": "x"}]}])
def test_any_answer_is_read(answer: dict) -> None:
    board = Board()
    board.answered(answer, 0.0)
    assert not board.grave
