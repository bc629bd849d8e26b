"""Charts over hours: full when the dashboard opens, with holes where nobody told, and with what explains them."""

from __future__ import annotations

import pytest
from rich.style import Style
from rich.text import Text

from tests.tui.answers import problem, rfc3339
from tests.tui.fake_cockpit import a_day
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.figures import Figures, Sample
from tui.minutes import Minutes
from tui.widgets.chart import Chart, _reach, pieces
from tui.widgets.pictures import SOURCES, of_minutes, remark

HISTORY = "/api/v1/admin/history/metrics"
START = 1_700_000_000.0


def with_a_day() -> FakeCluster:
    cluster = small_cluster()
    cluster.cockpit.history = a_day()
    return cluster


def few(**series: list[float | None]) -> Minutes:
    """Minutes of which the first begins at `START`; the running one is added here."""
    whole = {name: [*values, 7.0] for name, values in series.items()}
    return Minutes.read({"step_seconds": 60, "from": rfc3339(START), "series": whole})


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_an_hour_is_there_at_once(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("last 60 min", "loop")
        rates = stage.page.query_one("#rates", Chart)
        await stage.until(lambda: "⣀" in stage.screen or "⠤" in stage.screen)
        if size[0] > 80:
            await stage.sees("✕ push-1 circuit open 10 min ago", "Deliveries queued")
        assert rates.border_title is not None
        assert stage.asked("GET", HISTORY) == 1

    play(story, size=size, cluster=with_a_day())


def test_charts_take_the_colours_of_another_theme_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("last 60 min")
        chart = stage.page.query_one("#latency", Chart)
        for key in "tt":
            before = chart._colour("error")
            await stage.until(lambda before=before: before in drawn(chart))
            await stage.press(key)
            await stage.until(lambda: chart._colour("error") in drawn(chart))
            assert before not in drawn(chart)

    play(story, cluster=with_a_day())


def drawn(chart: Chart) -> set[tuple[int, int, int]]:
    """The colours of what stands in a chart."""
    text = chart.render()
    assert isinstance(text, Text)
    styles = [span.style for span in text.spans if isinstance(span.style, Style)]
    colours = [style.color.triplet for style in styles if style.color is not None]
    return {(colour.red, colour.green, colour.blue) for colour in colours if colour is not None}


def test_the_range_is_a_key() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("last 60 min")
        for seen, asked in (("last 6 h", "360"), ("last 24 h", "1440"), ("last 1 min", ""), ("last 60 min", "60")):
            await stage.press("m")
            await stage.sees(seen)
            wanted = [path for _, path in stage.server.requests if path.startswith(HISTORY)]
            assert not asked or wanted[-1].endswith(f"minutes={asked}")

    play(story, cluster=with_a_day())


def test_a_server_without_figures_shows_the_dashboards_own() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("last 1 min", "Channels, 1,328 waiting")
        await stage.until(lambda: stage.asked("GET", HISTORY) == 1)
        await stage.press("r")
        await stage.until(lambda: stage.asked("GET", "/api/v1/admin/channels") > 1)
        assert stage.asked("GET", HISTORY) == 1

    play(story)


def test_figures_that_cannot_be_had_are_asked_for_again() -> None:
    async def story(stage: Stage) -> None:
        stage.server.refuse[HISTORY] = problem(500, "no luck")
        await stage.press("m")
        await stage.until(lambda: stage.asked("GET", f"{HISTORY}?minutes=360") >= 1)
        stage.server.refuse.clear()
        await stage.press("r")
        await stage.sees("last 6 h")

    play(story, cluster=with_a_day())


def test_figures_that_came_while_another_view_was_in_front_are_not_lost() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("last 60 min")
        with stage.server.holding(HISTORY):
            await stage.press("m")
            await stage.until(lambda: stage.asked("GET", f"{HISTORY}?minutes=360"))
            await stage.press("2")
            await stage.until(lambda: stage.page is stage.app.views["clients"])
        await stage.sees("3 connections")
        await stage.view("1", "last 6 h")

    play(story, cluster=with_a_day())


def test_counts_are_rates_and_the_running_minute_is_left_out() -> None:
    minutes = few(accepted=[120.0, None], connections=[5.0, None])
    assert minutes.of("accepted") == (2.0, None)
    assert minutes.of("connections") == (5.0, None)
    assert minutes.of("unknown") == ()
    assert minutes.times(START + 120) == [-90.0, -30.0]


def test_the_reach_is_that_of_what_is_known() -> None:
    assert few(accepted=[None, 3.0], acked=[None, None]).reach(START + 120) == 60.0
    assert few(accepted=[None]).reach(START + 60) == 0.0


def test_a_minute_without_figures_is_a_hole() -> None:
    minutes = few(accepted=[60.0, 60.0, None, 60.0], pushed=[0.0] * 4, acked=[0.0] * 4)
    picture = of_minutes(SOURCES["rates"], minutes, None, START + 300, 3600.0)
    assert [len(piece) for piece in pieces(picture.times, picture.values[0], picture.hole)] == [2, 1]
    assert picture.span == 600.0


def test_the_present_is_the_right_edge() -> None:
    figures = Figures.read({"connections": 9}, at=0.0)
    minutes = few(connections=[5.0, 6.0])
    picture = of_minutes(SOURCES["connections"], minutes, Sample(figures, (0.0,) * 4), START + 150, 3600.0)
    assert (picture.times[-1], picture.values[0]) == (0.0, [5.0, 6.0, 9])
    assert picture.latest == ["9"]
    assert of_minutes(SOURCES["connections"], minutes, None, START + 150, 3600.0).latest == ["6"]


def test_a_circuit_that_opens_again_and_again_is_one_mark() -> None:
    kinds = ["circuit_open"] * 4 + ["circuit_closed", "circuit_open", "restart", "restart"]
    rows = [{"at": rfc3339(START + place), "kind": kind, "text": "fcm"} for place, kind in enumerate(kinds)]
    minutes = Minutes.read(
        {"from": rfc3339(START), "marks": [*rows[::-1], {"at": rfc3339(START), "kind": "paused", "text": "sms"}]}
    )
    assert sorted((mark.text, mark.kind) for mark in minutes.marks) == [
        *[("fcm", kind) for kind in ("circuit_closed", "circuit_open", "circuit_open", "restart", "restart")],
        ("sms", "paused"),
    ]


def test_the_newest_event_is_named() -> None:
    marks = [{"at": rfc3339(START), "kind": "paused", "text": "sms"}, {"at": None, "kind": "restart", "text": "x"}]
    minutes = Minutes.read({"from": rfc3339(START), "marks": marks, "series": {}})
    assert remark(minutes, START + 120) == "‖ sms paused 2 min ago"
    assert remark(few(), START) == ""


@pytest.mark.parametrize(
    "answer", [{}, {"series": [1], "marks": 3, "from": "x"}, {"series": {"a": "x", "b": [None, "y", True]}}]
)
def test_any_answer_is_read(answer: dict) -> None:
    minutes = Minutes.read(answer)
    assert of_minutes(SOURCES["rates"], minutes, None, START, 3600.0).span == 600.0


@pytest.mark.parametrize(("seconds", "said"), [(300, "5 min"), (3600, "60 min"), (21_600, "6 h"), (86_400, "24 h")])
def test_widths_in_words(seconds: float, said: str) -> None:
    assert _reach(seconds) == said
