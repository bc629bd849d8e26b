"""Top talkers: the busiest sources, users, callers and addresses."""

from __future__ import annotations

import pytest

from tests.tui.answers import problem
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.record import RecordDetail
from tui.details.user import OneUserDetail
from tui.talkers import Talker, _bar, _read
from tui.widgets.table import Table

TALKERS = "/api/v1/admin/talkers"


def busy() -> FakeCluster:
    cluster = small_cluster()
    quarter = {
        "source": [{"name": "orders", "count": 9000}, {"name": "billing\x1b[31m", "count": 4500}],
        "user": [{"name": "1-alice", "count": 900}, {"name": "customer-88", "count": 5}],
        "caller": [{"name": "shop", "count": 12}],
        "address": [{"name": "10.0.0.7", "count": 120_000}],
    }
    minute = {"source": [{"name": "billing", "count": 7}]}
    cluster.cockpit.talkers = {kind: {15: rows, 1: minute.get(kind, [])} for kind, rows in quarter.items()}
    return cluster


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_the_busiest_of_each_kind_are_in_sight(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("b", "Sources", "Users", "Callers", "Addresses", "last 15 minutes")
        await stage.sees("orders", "9,000", "billing\\x1b[31m", "1-alice", "customer-88", "shop", "10.0.0.7", "120k")
        assert ("▇" * 12 in stage.screen) is (size[0] > 80)

    play(story, size=size, cluster=busy())


def test_one_minute_by_a_key() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("b", "9,000", "m minutes")
        await stage.press("m")
        await stage.sees("last 1 minute", "Nobody")
        await stage.until(lambda: "9,000" not in stage.screen and "billing" in stage.screen)
        await stage.press("m")
        await stage.sees("last 15 minutes", "9,000")

    play(story, cluster=busy())


def test_enter_opens_a_user_and_any_other_name() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("b", "9,000")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, RecordDetail))
        await stage.sees("source", "9,000")
        await stage.press("escape", "tab", "enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        await stage.press("escape", "down", "e")
        await stage.until(lambda: "there is no user, notification or delivery here" in stage.keys)

    play(story, cluster=busy())


def test_a_flood_is_shown_by_its_source() -> None:
    cluster = busy()
    more = {"open": {"view": "talkers", "id": "billing\x1b[31m"}}
    cluster.cockpit.trouble("flood", "billing", "billing sends 900 a second", "warning", **more)

    async def story(stage: Stage) -> None:
        await stage.view("exclamation_mark", "1 problem")
        await stage.press("enter")
        await stage.until(lambda: stage.table.id == "source" and stage.table.selected)
        await stage.until(lambda: stage.table.selected.count == 4500)
        await stage.press("escape")
        await stage.sees("1 problem, checked")

    play(story, cluster=cluster)


@pytest.mark.parametrize(("status", "said"), [(404, "This server does not count"), (500, "no luck (500)")])
def test_why_there_are_none_is_said(status: int, said: str) -> None:
    async def story(stage: Stage) -> None:
        stage.server.refuse[TALKERS] = problem(status, "no luck")
        await stage.view("b", said)
        assert all(not table.listing.loaded for table in stage.page.query(Table))

    play(story, cluster=busy())


def test_any_answer_is_read() -> None:
    assert _read({"source": [None, {"name": 3, "count": "x"}]}, "source")[0].count == 0
    assert _bar(Talker.read({"count": 5}, kind="user", most=0)) == ""
    assert Talker.read({"name": "1-alice"}, kind="source", most=1).user is None
