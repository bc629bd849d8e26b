"""A server that goes away: the last data stay, greyed, with their age, and the way back is found alone."""

from __future__ import annotations

import re

import pytest

from tests.tui.answers import problem
from tests.tui.support import Stage, play
from tui.details.user import OneUserDetail

OFFLINE = re.compile(r"✕ offline, retrying in \d+ s  data \d+ s old  (connection refused|the connection broke off)")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_away_and_back(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.server.stop()
        await stage.until(lambda: OFFLINE.search(stage.status) or "✕ offline" in stage.status)
        await stage.until(lambda: re.search(r"retrying in \d+ s  data \d+ s old", stage.status))
        assert stage.page.has_class("-stale")
        assert "192.168.7.20" in stage.screen
        stage.cluster.connect("5-eve")
        await stage.server.start()
        await stage.press("r")
        await stage.sees("● live", "4 connections")
        assert not stage.page.has_class("-stale")

    play(story, size=size)


def test_every_page_stays_usable_while_it_is_away() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("2", "3 connections")
        await stage.server.stop()
        await stage.sees("✕ offline")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        for key in "13456781":
            await stage.press(key, "escape")
        await stage.sees("✕ offline")
        await stage.view("2", "192.168.7.20")
        await stage.press("slash")
        await stage.type("bob")
        await stage.sees("1 of 3 connections")
        await stage.press("enter", "X")
        await stage.until(lambda: any("Not done" in said for said in stage.toasts))

    play(story)


@pytest.mark.parametrize(
    ("status", "said"),
    [(503, "✕ unavailable, retrying in"), (401, "✕ refused, retrying in"), (500, "✕ offline, retrying")],
)
def test_what_is_wrong_is_said_in_words(status: int, said: str) -> None:
    async def story(stage: Stage) -> None:
        stage.server.refuse["/api/v1/metrics"] = problem(status, "something is away")
        await stage.sees(said)
        stage.server.refuse.clear()
        await stage.press("r")
        await stage.sees("● live")

    play(story)


def test_without_a_stream_it_polls_and_says_so() -> None:
    async def story(stage: Stage) -> None:
        stage.server.refuse["/api/v1/admin/events"] = problem(429, "too many listeners")
        for queue in stage.server.listeners:
            queue.put_nowait(None)
        await stage.sees("polling, no event stream")
        stage.server.refuse.clear()
        await stage.sees("● live")

    play(story)


def test_a_table_that_cannot_be_had_says_why() -> None:
    async def story(stage: Stage) -> None:
        stage.server.refuse["/api/v1/admin/pending"] = problem(500, "no \x1b[31mluck")
        await stage.view("4", "no \\x1b[31mluck (500)")
        stage.server.refuse.clear()
        await stage.press("r")
        await stage.sees("4 unread notifications")

    play(story)
