"""Contents of the charts: the dashboard's own samples over minutes, or the server's figures over hours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tui import humanise
from tui.figures import Sample
from tui.minutes import Minutes
from tui.widgets.chart import Line, Picture

LEAST = 600.0  # seconds: the least width of a chart of minutes
Point = tuple[float | None, ...]


class Source(NamedTuple):
    """The making of a chart: of samples, and of minutes by the names of their series with the newest value of each."""

    heading: str
    lines: tuple[Line, ...]
    live: Callable[[Sample], Point]
    past_heading: str
    past_lines: tuple[Line, ...]
    series: tuple[str, ...]
    now: Callable[[Sample], Point]


def _quantiles(sample: Sample) -> Point:
    return sample.figures.p50, sample.figures.p95, sample.figures.p99


_RATES = (Line("sent", "primary", "s"), Line("push", "success", "p"), Line("ack", "secondary", "a"))
_LATENCIES = (Line("p50", "success", "0"), Line("p95", "warning", "5"), Line("p99", "error", "9"))
_DELAYS = (Line("redis", "accent", "r"), Line("loop", "warning", "l"), Line("p99", "error", "9"))
_ONE = (Line("", "accent", "o"),)
_BACKLOG = (Line("queued", "warning", "q"), Line("held", "error", "h"))
SOURCES: dict[str, Source] = {
    "rates": Source(
        "Rate/s",
        _RATES,
        lambda sample: sample.rates[:3],
        "Rate/s",
        _RATES,
        ("accepted", "pushed", "acked"),
        lambda sample: sample.rates[:3],
    ),
    "latency": Source(
        "Latency ms",
        _LATENCIES,
        _quantiles,
        "Latency ms",
        _DELAYS,
        ("store_ms", "loop_lag_ms", "p99_ms"),
        lambda sample: (None, None, sample.figures.p99),
    ),
    "connections": Source(
        "Connections",
        _ONE,
        lambda sample: (sample.figures.connections,),
        "Connections",
        _ONE,
        ("connections",),
        lambda sample: (sample.figures.connections,),
    ),
    "unread": Source(
        "Unread",
        (Line("", "warning", "o"),),
        lambda sample: (sample.figures.pending,),
        "Deliveries",
        _BACKLOG,
        ("queued", "held"),
        lambda sample: (sample.figures.queued, None),
    ),
}


def of_samples(source: Source, samples: Sequence[Sample]) -> Picture:
    """The last minutes, a point for each sample."""
    latest = samples[-1]
    points = [source.live(sample) for sample in samples]
    return Picture(
        source.heading,
        source.lines,
        [sample.figures.at - latest.figures.at for sample in samples],
        _columns(points, len(source.lines)),
        [humanise.rate(value) for value in points[-1]],
    )


def of_minutes(source: Source, minutes: Minutes, sample: Sample | None, now: float, width: float) -> Picture:
    """The last hours, a point for each minute and the present one; `now` in unix seconds, `width` the most seconds."""
    times = minutes.times(now)
    lines = [_filled(minutes.of(name), len(times)) for name in source.series]
    present = source.now(sample) if sample else (None,) * len(lines)
    latest = [_newest(value, line) for value, line in zip(present, lines, strict=True)]
    return Picture(
        source.past_heading,
        source.past_lines,
        [*times, 0.0],
        [[*line, value] for line, value in zip(lines, present, strict=True)],
        [humanise.rate(value) for value in latest],
        2.5 * minutes.step,
        _span(minutes, now, width),
        tuple((mark.at - now, mark.sign) for mark in minutes.marks if mark.at is not None),
    )


def _span(minutes: Minutes, now: float, width: float) -> float:
    """As wide as what is known; the whole width where no more than the running minute is missing."""
    reach = minutes.reach(now)
    return width if reach >= width - 2 * minutes.step else max(LEAST, reach)


def _columns(points: Sequence[Point], many: int) -> list[list[float | None]]:
    return [[point[place] for point in points] for place in range(many)]


def _filled(values: Sequence[float | None], many: int) -> list[float | None]:
    return [*values, *[None] * (many - len(values))]


def _newest(present: float | None, line: Sequence[float | None]) -> float | None:
    return present if present is not None or not line else line[-1]


def remark(minutes: Minutes, now: float) -> str:
    """The newest event that was marked, in words."""
    newest = max((mark for mark in minutes.marks if mark.at is not None), key=lambda mark: mark.at or 0, default=None)
    return "" if newest is None else f"{newest.said} {humanise.span(now - (newest.at or 0))} ago"
