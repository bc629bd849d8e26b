"""The first view: figures, charts, instances, health."""

from __future__ import annotations

import re

import pytest

from tests.tui.answers import problem
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, fill, play
from tui.details.record import RecordDetail
from tui.screens.deliveries import Deliveries
from tui.screens.overview import Overview
from tui.widgets.chart import Chart, Picture, _ceiling, _span, pieces, scale
from tui.widgets.pictures import SOURCES, of_samples

LATENCIES = SOURCES["latency"].lines
KEY_FIGURES = ("Conns", "Users", "Unread", "Sent/s", "Push/s", "Ack/s", "Exp/s", "p50", "p95", "p99")


@pytest.mark.parametrize("size", [(80, 24), (80, 23), (120, 36), (200, 60)])
def test_every_key_figure_is_in_sight(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("1.2 ms", "4.8 ms", "12 ms")
        names = next(line for line in stage.lines if "Conns" in line and "p50" in line)
        for name in KEY_FIGURES:
            assert name in names
        for text in ("Rate/s", "Latency ms", "pod-a", "pod-b", "● up", "last 1 min"):
            await stage.sees(text)
        await stage.sees(*(("Connections 3", "Unread 4") if size[1] > 31 else ()))
        await stage.sees("Channels, 1,328 waiting", "✕ open", "218 open", "1,237", "‖ paused", "webhook", "inapp")
        await stage.sees("1 scheduled, 3 dead letters")
        for text in ("redis", "● ok", "embedded", "workers", "kafka", "○ off", "● live", "✓ no problems"):
            await stage.sees(text)
        assert max(map(len, stage.lines)) <= size[0]

    play(story, size=size)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_numbers_are_right_aligned_under_their_names(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("1.2 ms")
        place = next(n for n, line in enumerate(stage.lines) if "Conns" in line and "p50" in line)
        names, values = stage.lines[place], stage.lines[place + 1]
        for name, value in (("Conns", "3"), ("Unread", "4"), ("p50", "1.2 ms"), ("p99", "12 ms")):
            end = names.index(name) + len(name)
            assert values[:end].endswith(f" {value}")

    play(story, size=size)


def test_figures_follow_the_server() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.connect("9-zoe")
        stage.cluster.metrics["latency_ms"] = {"p50": 2000.0, "p95": None}
        await stage.sees("2.0 s", "Connections 4")

    play(story)


def test_charts_draw_lines_and_rest_when_nothing_changes() -> None:
    async def story(stage: Stage) -> None:
        fill(stage.app.world.history)
        page = stage.page
        assert isinstance(page, Overview)
        page.show_world()
        await stage.sees("⠉")
        assert any("⣀" <= char <= "⣿" or "⠁" <= char <= "⠿" for char in stage.screen)
        chart = page.query_one("#latency", Chart)
        before = chart._shown
        assert before
        chart.show(of_samples(SOURCES["latency"], stage.app.world.history.samples()))
        assert chart._shown is before

    play(story)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.4, 1), (1, 1), (1.5, 2), (3, 5), (7, 10), (1170, 2000), (99, 100)]
)
def test_the_scale_is_a_round_number(value: float, top: float) -> None:
    assert _ceiling(value) == top


@pytest.mark.parametrize(("oldest", "span"), [(0, 60), (59, 60), (61, 120), (121, 300), (299, 300), (400, 300)])
def test_the_width_is_that_of_what_there_is(oldest: float, span: int) -> None:
    assert _span([-oldest, -oldest / 2, 0.0]) == span
    assert _span([]) == 60


def test_states_are_words_and_signs() -> None:
    cluster = small_cluster()
    cluster.health["status"] = "degraded"
    cluster.health["components"]["workers"] = {"status": "degraded", "failing": {"janitor": "timeout"}}
    cluster.health["components"]["redis"] = {"status": "unavailable"}
    cluster.pods[1] |= {"alive": False}
    cluster.pods[0]["heartbeat_age_s"] = 75

    async def story(stage: Stage) -> None:
        await stage.sees("▲ degraded", "✕ unavailable", "janitor: timeout", "✕ gone", "▲ late")

    play(story, cluster=cluster)


def test_channels_follow_the_server_and_lead_to_their_deliveries() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("Channels, 1,328 waiting")
        assert "pause channel" not in stage.keys
        assert stage.cluster.cockpit.channels
        stage.cluster.cockpit.channels[0]["waiting"] = 7
        stage.server.emit("delivery.sent", id="1", channel="sms", priority="normal")
        await stage.sees("Channels, 98 waiting")
        await stage.press("tab")
        await stage.until(lambda: "pause channel" in stage.keys)
        await stage.press("end", "enter")
        await stage.sees("channel:sms", "5 deliveries")
        assert isinstance(stage.page, Deliveries)

    play(story, size=(80, 24))


def test_a_server_without_queues_says_so() -> None:
    async def story(stage: Stage) -> None:
        stage.server.refuse["/api/v1/admin/queues"] = problem(404, "there is nothing here")
        await stage.press("r")
        await stage.sees("Channels, 0 waiting", "This server has no channels")

    play(story, cluster=FakeCluster(pods=small_cluster().pods, health=small_cluster().health))


def test_a_pod_opens() -> None:
    async def story(stage: Stage) -> None:
        await stage.press("down", "enter")
        await stage.until(lambda: isinstance(stage.page, RecordDetail))
        await stage.sees("pod-b", "Last heartbeat", "3 s ago", '"bus_lag": 0')
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.page, Overview))

    play(story)


def test_an_outage_is_a_hole_and_no_ramp() -> None:
    times = [-30.0, -29.0, -28.0, -6.0, -5.0, -4.0, -3.0]
    assert pieces(times, [1.0, 2.0, 3.0, 9.0, 9.0, None, 9.0]) == [
        [(-30.0, 1.0), (-29.0, 2.0), (-28.0, 3.0)],
        [(-6.0, 9.0), (-5.0, 9.0)],
        [(-3.0, 9.0)],
    ]


def test_nothing_is_drawn_in_a_hole() -> None:
    async def story(stage: Stage) -> None:
        chart = stage.page.query_one("#latency", Chart)
        times = [float(second) for second in range(-59, 1) if not -45 <= second <= -15]
        values: list[list[float | None]] = [
            [second + 60.0 for second in times],
            [10.0] * len(times),
            [None] * len(times),
        ]
        chart.show(Picture("Latency ms", LATENCIES, times, values, ["1", "5", "9"]))
        drawn = chart.plt.build()
        rows = ["".join(char for char in row) for row in re.sub(r"\x1b\[[0-9;]*m", "", drawn).split("\n")]
        width = max(map(len, rows))
        middle = slice(8 + (width - 8) * 20 // 60, 8 + (width - 8) * 40 // 60)
        assert not any("\u2801" <= char <= "\u28ff" for row in rows for char in row[middle])
        assert any("\u2801" <= char <= "\u28ff" for row in rows for char in row)

    play(story, size=(200, 60))


@pytest.mark.parametrize(
    ("values", "top", "peak"),
    [
        ([], 1, 0),
        ([5.0] * 100, 5, 5),
        ([5.0] * 98 + [900.0, 919.0], 5, 919),
        ([5.0] * 99 + [9.0], 10, 9),
        ([5.0] * 80 + [900.0] * 20, 1000, 900),
        ([0.0] * 99 + [7.0], 10, 7),
    ],
)
def test_a_spike_is_cut_and_does_not_flatten_the_rest(values: list[float], top: float, peak: float) -> None:
    assert scale(values) == (top, peak)


def test_a_cut_is_marked_with_its_height() -> None:
    async def story(stage: Stage) -> None:
        chart = stage.page.query_one("#latency", Chart)
        times = [float(second) for second in range(-59, 1)]
        line: list[float | None] = [5.0] * 60
        values = [line, line, [*line[:-20], 919.0, *line[-19:]]]
        chart.show(Picture("Latency ms", LATENCIES, times, values, ["5", "5", "5"]))
        await stage.sees("▲ up to 919, last 1 min")
        assert "▲" in "".join(text for text in stage.lines[5:10])

    play(story, size=(120, 40))
