"""The way back: Escape returns to where one came from, with its selection and its filter."""

from __future__ import annotations

import asyncio

import pytest

from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.delivery import DeliveryDetail
from tui.details.notification import NotificationDetail
from tui.details.record import RecordDetail
from tui.details.user import OneUserDetail
from tui.model import UserKey
from tui.screens.deliveries import Deliveries
from tui.screens.history import UserHistory
from tui.widgets.filter_bar import FilterBar
from tui.widgets.tabs import Tabs


def crowd() -> FakeCluster:
    cluster = small_cluster()
    for number in range(10, 60):
        cluster.connect(f"{number}-user{number}")
    return cluster


@pytest.mark.parametrize(("key", "page"), [("h", UserHistory), ("d", Deliveries)])
def test_history_and_deliveries_of_a_user_lead_back_to_the_user(key: str, page: type) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "53 connections")
        await stage.press(*["down"] * 20)
        chosen = stage.table.selected
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        user = stage.page
        await stage.press(key)
        await stage.until(lambda: isinstance(stage.page, page))
        trail = stage.page.query_one(Tabs).plain
        assert f"!  Clients › {user.crumb} › {stage.page.crumb}" in trail
        await stage.press("escape")
        await stage.until(lambda: stage.page is user)
        await stage.press("escape")
        await stage.counts("53 connections")
        assert stage.table.selected == chosen

    play(story, cluster=crowd())


def test_a_view_keeps_its_filter_while_one_looks_at_deliveries_of_a_user() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("9", "10 deliveries")
        stage.burst("/", "status:sent", "enter")
        await stage.counts("1 delivery")
        before = stage.page
        await stage.press("enter")
        await stage.sees("Attempts 1")
        stage.burst("u", "d")
        await stage.sees("user:1-alice")
        assert isinstance(stage.page, Deliveries)
        assert stage.page is not before
        await stage.press("escape", "escape", "escape")
        await stage.until(lambda: stage.page is before)
        assert stage.page.query_one(FilterBar).needle == "status:sent"
        await stage.counts("1 delivery")

    play(story)


def test_escape_drops_what_was_typed_first_then_goes_back() -> None:
    async def story(stage: Stage) -> None:
        stage.burst("tab", "end", "enter")
        await stage.sees("channel:sms")
        await stage.counts("5 deliveries")
        stage.burst("/", " late", "enter")
        await stage.counts("1 of 5 deliveries")
        await stage.press("escape")
        await stage.counts("5 deliveries")
        await stage.press("escape")
        await stage.until(lambda: stage.page is stage.app.views["overview"])

    play(story, size=(80, 24))


def test_backspace_goes_back_from_view_to_view_and_escape_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("3", "3 users")
        await stage.press("end", "enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        user = stage.page
        await stage.view("6", "2 instances")
        await stage.press("escape")
        await stage.sees("backspace goes back to the view before this one")
        assert stage.page is stage.app.views["instances"]
        await stage.press("backspace")
        await stage.until(lambda: stage.page is user)
        await stage.press("backspace", "backspace", "backspace")
        await stage.sees("this is the first view; q leaves")

    play(story)


@pytest.mark.slow
def test_a_page_that_is_left_while_it_is_made_leaves_nothing_behind() -> None:
    user = UserKey(1, "alice")

    async def story(stage: Stage) -> None:
        setting = stage.page.setting
        for turns in range(12):
            pages = [
                OneUserDetail(setting, user),
                NotificationDetail(setting, user, "n", ""),
                UserHistory(setting, user),
            ]
            pages += [DeliveryDetail(setting, "x"), RecordDetail(setting, "x", [], {}), Deliveries(setting, "user:1-a")]
            for page in pages:
                made = stage.app.push_screen(page)
                for _ in range(turns):
                    await asyncio.sleep(0)
                stage.app.pop_screen()
                await made
        await stage.until(lambda: stage.page is stage.app.views["overview"])
        await stage.pilot.pause()

    play(story)
