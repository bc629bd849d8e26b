"""A live chart of one or more lines over the last minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual.color import Color, ColorParseError
from textual.content import Content
from textual_plotext import PlotextPlot

SPANS = (60, 120, 300)  # seconds from the left edge to the right: the least that holds all there is
_TICK_CELLS = 6


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
        self._shown: tuple[list[list[float]], object] | None = None

    def on_mount(self) -> None:
        """Its name over an empty picture; a plain one where colour is not wanted."""
        self._entitle([])
        self.plt.xaxes(False, False)
        self.plt.yaxes(False, False)
        if self.app.no_color:
            self.theme = "clear"

    def show(self, times: list[float], values: list[list[float]], latest: list[str]) -> None:
        """Draws the lines over `times` (seconds before now, negative), unless the same picture stands already.

        `latest` is the newest value of each line in words; with the line's name it is the legend.
        """
        self._entitle(latest)
        state = (values, (self.size, self.app.theme))
        if values and len(values) == len(self._lines) and state != self._shown:
            self._shown = state
            self._draw(times, values)
            self.refresh()

    def _entitle(self, latest: list[str]) -> None:
        title = Content(self.heading)
        for line, value in zip(self._lines, latest, strict=False):
            title += Content.styled(f" {line.name} {value}".replace("  ", " "), f"${line.colour}")
        if title.markup != self._title:  # setting it repaints the whole chart
            self._title = title.markup
            self.border_title = title

    def _draw(self, times: list[float], values: list[list[float]]) -> None:
        plot = self.plt
        plot.clear_figure()
        top = _ceiling(max(map(max, values)) if times else 0.0)
        for line, points in zip(self._lines, values, strict=True):
            marker = line.letter if self.app.no_color else "braille"
            plot.plot(times, points, marker=marker, color=self._colour(line.colour))
        span = _span(times)
        self.border_subtitle = f"last {span // 60} min"
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


def _ceiling(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten, so that the scale does not wander with every point."""
    step = 1.0
    while step < value:
        step *= 10
    for part in (0.2, 0.5):
        if value <= step * part and step > 1:
            return step * part
    return step
