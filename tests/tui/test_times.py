"""Times of day in UTC or in local time, by a key, and always with their zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.support import Stage, play
from tui import humanise
from tui.preferences import Preferences
from tui.times import TIMES

NOON = 1_704_110_400.5  # 2024-01-01 12:00 UTC


@pytest.fixture(autouse=True)
def istanbul(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Istanbul")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
    TIMES.turn(False)


def test_local_times_say_their_offset() -> None:
    assert (humanise.clock(NOON), humanise.stamp(NOON)) == ("12:00:00", "2024-01-01 12:00:00.500 UTC")
    TIMES.turn(True)
    assert (humanise.clock(NOON), humanise.stamp(NOON)) == ("15:00:00", "2024-01-01 15:00:00.500 +03:00")


@pytest.mark.parametrize("moment", [0.0, 253_402_300_799.0])
def test_the_ends_of_the_calendar(moment: float) -> None:
    TIMES.turn(True)
    assert humanise.stamp(moment)


def test_z_turns_it_and_it_is_remembered(tmp_path: Path) -> None:
    kept = tmp_path / "tui.json"

    async def story(stage: Stage) -> None:
        stage.server.emit("client.connected", user_id=1, login="alice", time="2024-01-01T12:00:00.500Z")
        await stage.view("7", "Time UTC", "12:00:00")
        await stage.press("z")
        await stage.sees("Time local", "15:00:00", "times are shown in local time")
        await stage.press("enter")
        await stage.sees("2024-01-01 15:00:00.500 +03:00")
        await stage.press("escape", "z")
        await stage.sees("Time UTC", "12:00:00")
        await stage.press("z")

    play(story, preferences=kept)
    assert Preferences(kept).local_time

    async def again(stage: Stage) -> None:
        await stage.view("7", "Time local")

    play(again, preferences=kept)
