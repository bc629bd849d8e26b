"""A recording of a dashboard shows the same again: figures, rows, events, outages; and goes back and forth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tui.answers import problem
from tests.tui.fake_server import FakeServer
from tests.tui.support import Stage, quickly
from tui.app import Dashboard
from tui.client import ADMIN, ApiError, Failure
from tui.preferences import Preferences
from tui.recording.app import Replay
from tui.recording.recorder import Recorder, RecordingClient
from tui.recording.tape import METRICS
from tui.sse import ServerEvent
from tui.times import TIMES

BEGAN = 1_704_110_400.0  # 2024-01-01 12:00 UTC


@pytest.fixture(autouse=True)
def _real_time() -> Any:
    yield
    TIMES.now = time.time


def minutes(path: Path) -> Path:
    """Two minutes: the connections count up, the server is away from 60 to 70 s, then degraded."""
    clock = SimpleNamespace(now=BEGAN)
    made = Recorder(path, "@prod host:8080", lambda: clock.now)
    for second in range(121):
        clock.now = BEGAN + second
        if 60 <= second < 70:
            made.failed(METRICS, ApiError(Failure.UNREACHABLE, "connection refused"))
            continue
        made.answered(METRICS, {"connections": second, "uptime_s": second})
        if second % 5 == 0:
            status = "ok" if second < 70 else "degraded"
            made.answered("/health", {"status": status, "components": {"redis": {"status": status}}})
            made.answered(f"{ADMIN}/pods", {"pods": [{"pod_id": "pod-a", "alive": True, "heartbeat_age_s": 1}]})
            rows = [{"connection_id": str(n), "user_id": 1, "login": f"user{n}"} for n in range(second // 5)]
            made.answered(f"{ADMIN}/clients?limit=500", {"clients": rows, "total": len(rows)})
        made.happened(
            [ServerEvent("client.connected", f'{{"type":"client.connected","login":"at{second}","user_id":1}}')]
        )
    made.close()
    return path


Story = Callable[[Stage, Replay], Awaitable[None]]


def replayed(path: Path, story: Story, tmp_path: Path, speed: float = 1.0) -> None:
    async def run() -> None:
        app = Replay(path, speed, Preferences(tmp_path / "tui.json"))
        with quickly():
            async with app.run_test(size=(120, 36)) as pilot:
                stage = Stage(SimpleNamespace(cluster=None), app, pilot)  # type: ignore[arg-type]
                await stage.until(lambda: app.world.history.latest and app.page)
                await story(stage, app)

    asyncio.run(run())


def connections(app: Replay) -> int:
    sample = app.world.history.latest
    return -1 if sample is None else sample.figures.connections


def test_it_goes_back_and_forth(tmp_path: Path) -> None:
    async def story(stage: Stage, app: Replay) -> None:
        await stage.press("space")
        assert not app.deck.playing
        await stage.press("shift+right")
        app.player.seek(30.0)
        await stage.until(lambda: connections(app) == 30)
        await stage.press("right")
        await stage.until(lambda: connections(app) == 40)
        await stage.sees("REPLAY ‖ 2024-01-01 12:00:40 ×1  0:40 of 2:00", "@prod host:8080", "READ-ONLY")
        await stage.press("2")
        await stage.sees("8 connections")
        await stage.press("left", "left")
        await stage.sees("4 connections")
        await stage.press("7")
        await stage.sees("at20")
        assert "at21" not in stage.screen
        await stage.press("right")
        await stage.sees("at30")

    replayed(minutes(tmp_path / "a.rec"), story, tmp_path)


def test_it_jumps_to_changes(tmp_path: Path) -> None:
    async def story(stage: Stage, app: Replay) -> None:
        await stage.press("space")
        await stage.press("right_square_bracket")
        await stage.sees("12:01:00 no answer: connection refused", "✕ offline")
        await stage.press("right_square_bracket")
        await stage.until(lambda: app.deck.position == 70.0)
        await stage.press("right_square_bracket")
        await stage.sees("there is no change after this")
        await stage.press("left_square_bracket")
        await stage.until(lambda: app.deck.position == 60.0)

    replayed(minutes(tmp_path / "a.rec"), story, tmp_path)


def test_it_plays_on_to_the_end_and_from_the_start(tmp_path: Path) -> None:
    async def story(stage: Stage, app: Replay) -> None:
        await stage.sees("REPLAY ■ 2024-01-01 12:02:00")
        await stage.until(lambda: connections(app) == 120)
        await stage.press(*["less_than_sign"] * 9, "space")
        assert app.deck.speed == 1.0
        await stage.until(lambda: app.deck.position < 120 and app.deck.playing)

    replayed(minutes(tmp_path / "a.rec"), story, tmp_path, speed=512.0)


def test_nothing_can_be_changed_and_what_was_not_recorded_says_so(tmp_path: Path) -> None:
    async def story(stage: Stage, app: Replay) -> None:
        await stage.press("space", "2")
        app.player.seek(50.0)
        await stage.sees("10 connections")
        await stage.press("D")
        await stage.sees("D: this dashboard is read-only")
        await stage.view("0", "the recording has nothing of this")
        await stage.press("slash", "a", "b", "left", "c")
        await stage.until(lambda: app.page is not None and app.page.query_one("FilterInput").value == "acb")  # type: ignore[attr-defined]

    replayed(minutes(tmp_path / "a.rec"), story, tmp_path)


def test_a_dashboard_records_what_it_shows_and_what_it_does_not(tmp_path: Path) -> None:
    path = tmp_path / "b.rec"

    async def record() -> None:
        async with FakeServer() as server:
            client = RecordingClient(server.url, "s3cret", False, path, "@eu")
            app = Dashboard(client, False, Preferences(tmp_path / "tui.json"))
            with quickly():
                async with app.run_test(size=(120, 36)) as pilot:
                    stage = Stage(server, app, pilot)
                    await stage.sees("● recording", "@eu 127.0.0.1")
                    await stage.until(lambda: stage.asked("GET", "/api/v1/admin/queues") > 1)
                    server.refuse["/api/v1/metrics"] = problem(503, "the store is away")
                    await stage.sees("✕ unavailable")

    asyncio.run(record())
    assert b"s3cret" not in path.read_bytes()

    async def story(stage: Stage, app: Replay) -> None:
        await stage.sees("✕ unavailable")
        await stage.view("2", "192.168.7.20")
        await stage.view("9", "10 deliveries")
        await stage.view("0", "dead letters")

    replayed(path, story, tmp_path, speed=1024.0)
