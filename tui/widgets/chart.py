"""A live chart of one or more lines over the last minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.color import Color, ColorParseError
from textual.content import Content
from textual_plotext import PlotextPlot

SPANS = (60, 120, 300)  # seconds from the left edge to the right: the least that holds all there is
HOLE = 4.0  # seconds without a sample that are a hole in the line: the server did not answer
HIGH = 0.95  # the quantile of the values that the scale reaches; what is higher is cut, and marked
CUT = "▲"
_TICK_CELLS = 6
Point = tuple[float, float]


class Line(NamedTuple):
    """A line: what it is called, the theme's colour for it, and the letter of its name that draws it without colour."""

    name: str
    colour: str
    letter: str


class Chart(PlotextPlot, can_focus=False):
    """Values in by `show`; the y axis begins at 0 and its marks are as wide on every chart."""

    ALLOW_SELECT = False

    def __init__(self, heading: str, lines: tuple[Line, ...], mark: Callable[[float], str], id: str) -> None:
        """`mark` writes a value of the y axis in at most five characters."""
        super().__init__(id=id)
        self.heading = heading
        self._lines = lines
        self._mark = mark
        self._title = ""
        self._shown: tuple[list[list[float | None]], object] | None = None

    def on_mount(self) -> None:
        """Its name over an empty picture; a plain one where colour is not wanted."""
        self._entitle([])
        self.plt.xaxes(False, False)
        self.plt.yaxes(False, False)
        if self.app.no_color:
            self.theme = "clear"

    def show(self, times: list[float], values: list[list[float | None]], latest: list[str]) -> None:
        """Draws the lines over `times` (seconds before now, negative), unless the same picture stands already.

        Where there is no value, and where no sample came for `HOLE` seconds, the line has a hole. `latest` is the
        newest value of each line in words; with the line's name it is the legend.
        """
        self._entitle(latest)
        state = (values, (self.size, self.app.theme))
        if values and len(values) == len(self._lines) and state != self._shown:
            self._shown = state
            self._draw(times, values)
            self.refresh()

    def _entitle(self, latest: list[str]) -> None:
        legend = [
            Content.styled(f" {line.name} {value}".replace("  ", " "), f"${line.colour}")
            for line, value in zip(self._lines, latest, strict=False)
        ]
        # Where room is scarce the last lines are named: of latencies the highest, which says most.
        while len(legend) > 1 and len(self.heading) + sum(part.cell_length for part in legend) > self.size.width - 4:
            legend.pop(0)
        title = Content(self.heading)
        for part in legend:
            title += part
        if title.markup != self._title:  # setting it repaints the whole chart
            self._title = title.markup
            self.border_title = title

    def _draw(self, times: list[float], values: list[list[float | None]]) -> None:
        plot = self.plt
        plot.clear_figure()
        top, peak = scale([value for points in values for value in points if value is not None])
        for line, points in zip(self._lines, values, strict=True):
            marker = line.letter if self.app.no_color else "braille"
            colour = self._colour(line.colour)
            for piece in pieces(times, points):
                plot.plot([at for at, _ in piece], [min(y, top) for _, y in piece], marker=marker, color=colour)
            cut = [at for at, value in zip(times, points, strict=True) if value is not None and value > top]
            if cut:
                plot.scatter(cut, [top] * len(cut), marker=CUT, color=colour)
        span = _span(times)
        self.border_subtitle = f"{f'{CUT} up to {self._mark(peak)}, ' if peak > top else ''}last {span // 60} min"
        plot.xlim(-span, 0)
        plot.ylim(0, top)
        marks = [0.0, top / 2, top]
        plot.yticks(marks, [self._mark(value).rjust(_TICK_CELLS) for value in marks])
        plot.xaxes(False, False)
        plot.yaxes(True, False)
        plot.xticks([], [])

    def _colour(self, name: str) -> tuple[int, int, int] | str:
        if self.app.no_color:
            return "default"
        try:
            return Color.parse(self.app.theme_variables[name]).rgb
        except (KeyError, ColorParseError):
            return "default"


def _span(times: list[float]) -> int:
    """Of a dashboard just opened, the first minute is not squeezed into the last fifth of the chart."""
    oldest = -min(times, default=0.0)
    return next((span for span in SPANS if oldest <= span), SPANS[-1])


def pieces(times: list[float], values: Sequence[float | None]) -> list[list[Point]]:
    """The line in pieces without holes, as points."""
    found: list[list[Point]] = []
    last: float | None = None
    for at, value in zip(times, values, strict=True):
        if value is None:
            last = None
            continue
        if last is None or at - last > HOLE:
            found.append([])
        found[-1].append((at, value))
        last = at
    return found


def scale(values: list[float]) -> tuple[float, float]:
    """The top of the scale, and the highest value. A few values far above the others do not flatten them: the scale
    then reaches the `HIGH` quantile."""
    if not values:
        return 1.0, 0.0
    ordered = sorted(values)
    peak, high = ordered[-1], ordered[int(HIGH * (len(ordered) - 1))]
    top = _ceiling(high)
    return (top if high and peak > 2 * top else _ceiling(peak)), peak


def _ceiling(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten, so that the scale does not wander with every point."""
    step = 1.0
    while step < value:
        step *= 10
    for part in (0.2, 0.5):
        if value <= step * part and step > 1:
            return step * part
    return step
