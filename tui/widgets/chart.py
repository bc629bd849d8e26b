"""A live chart of one or more lines over the last minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.color import Color, ColorParseError
from textual.content import Content
from textual_plotext import PlotextPlot

from tui.widgets.cells import fit

SPANS = (60, 120, 300)  # seconds from the left edge to the right: the least that holds all there is
HOLE = 4.0  # seconds without a sample that are a hole in the line: the server did not answer
HIGH = 0.95  # the quantile of the values that the scale reaches; what is higher is cut, and marked
CUT = "▲"
REMARK_LEAST = 24  # cells without which a remark is left out
MARKS_MAX = 20  # events marked on a chart, the newest
_TICK_CELLS = 6
Point = tuple[float, float]


class Line(NamedTuple):
    """A line: what it is called, the theme's colour for it, and the letter of its name that draws it without colour."""

    name: str
    colour: str
    letter: str


class Picture(NamedTuple):
    """The contents of a chart: times in seconds before now (negative), the values of each line, the newest in words.

    `hole` is how far apart two points may be without a hole between them; `span` the width in seconds, or None: as
    wide as what there is. Marks are (time, sign); `remark` stands under the chart.
    """

    heading: str
    lines: tuple[Line, ...]
    times: list[float]
    values: list[list[float | None]]
    latest: list[str]
    hole: float = HOLE
    span: float | None = None
    marks: tuple[tuple[float, str], ...] = ()
    remark: str = ""


class Chart(PlotextPlot, can_focus=False):
    """Values in by `show`; the y axis begins at 0 and its marks are as wide on every chart."""

    ALLOW_SELECT = False

    def __init__(self, mark: Callable[[float], str], id: str) -> None:
        """`mark` writes a value of the y axis in at most five characters."""
        super().__init__(id=id)
        self._mark = mark
        self._title = ""
        self._shown: object = None

    def on_mount(self) -> None:
        """Its name over an empty picture; a plain one where colour is not wanted."""
        self.plt.xaxes(False, False)
        self.plt.yaxes(False, False)
        if self.app.no_color:
            self.theme = "clear"

    def show(self, picture: Picture) -> None:
        """Draws the lines, unless the same picture stands already. Where there is no value, and where two points are
        further apart than `hole`, a line has a hole."""
        self._entitle(picture)
        state = (picture.values, picture.lines, picture.span, len(picture.marks), self.size, self.app.theme)
        if picture.values and len(picture.values) == len(picture.lines) and state != self._shown:
            self._shown = state
            self._draw(picture)
            self.refresh()

    def _entitle(self, picture: Picture) -> None:
        heading = picture.heading
        legend = [
            Content.styled(f" {line.name} {value}".replace("  ", " "), f"${line.colour}")
            for line, value in zip(picture.lines, picture.latest, strict=False)
        ]
        # Where room is scarce the last lines are named: of latencies the highest, which says most.
        while len(legend) > 1 and len(heading) + sum(part.cell_length for part in legend) > self.size.width - 4:
            legend.pop(0)
        title = Content(heading)
        for part in legend:
            title += part
        if title.markup != self._title:  # setting it repaints the whole chart
            self._title = title.markup
            self.border_title = title

    def _draw(self, picture: Picture) -> None:
        plot = self.plt
        plot.clear_figure()
        top, peak = scale([value for points in picture.values for value in points if value is not None])
        span = picture.span or _span(picture.times)
        self._draw_marks(picture.marks, span, top)
        for line, points in zip(picture.lines, picture.values, strict=True):
            self._draw_line(line, picture, points, top)
        self.border_subtitle = self._below(picture, span, f"{CUT} up to {self._mark(peak)}" if peak > top else "")
        plot.xlim(-span, 0)
        plot.ylim(0, top)
        marks = [0.0, top / 2, top]
        plot.yticks(marks, [self._mark(value).rjust(_TICK_CELLS) for value in marks])
        plot.xaxes(False, False)
        plot.yaxes(True, False)
        plot.xticks([], [])

    def _draw_line(self, line: Line, picture: Picture, points: list[float | None], top: float) -> None:
        marker = line.letter if self.app.no_color else "braille"
        colour = self._colour(line.colour)
        for piece in pieces(picture.times, points, picture.hole):
            self.plt.plot([at for at, _ in piece], [min(y, top) for _, y in piece], marker=marker, color=colour)
        cut = [at for at, value in zip(picture.times, points, strict=True) if value is not None and value > top]
        if cut:
            self.plt.scatter(cut, [top] * len(cut), marker=CUT, color=colour)

    def _draw_marks(self, marks: Sequence[tuple[float, str]], span: float, top: float) -> None:
        """A line from top to bottom with the sign at its head; under the lines of the figures."""
        for at, sign in [mark for mark in marks if -span <= mark[0] <= 0][-MARKS_MAX:]:
            self.plt.vline(at, self._colour("border"))
            self.plt.scatter([at], [top], marker=sign, color=self._colour("foreground"))

    def _below(self, picture: Picture, span: float, cut: str) -> str:
        """The width in words; before it the spike that is cut, and the remark where there is room."""
        said = [part for part in (cut, f"last {_reach(span)}") if part]
        room = self.size.width - 6 - sum(map(len, said))
        if picture.remark and room > REMARK_LEAST:
            said.insert(0, fit(picture.remark, min(cell_len(picture.remark), room - 2)))
        return ", ".join(said)

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


def _reach(seconds: float) -> str:
    """A width in words: `5 min`, `1 h`, `6 h`."""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"


def pieces(times: list[float], values: Sequence[float | None], hole: float = HOLE) -> list[list[Point]]:
    """The line in pieces without holes, as points."""
    found: list[list[Point]] = []
    last: float | None = None
    for at, value in zip(times, values, strict=True):
        if value is None:
            last = None
            continue
        if last is None or at - last > hole:
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
