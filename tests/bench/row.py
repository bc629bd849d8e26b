"""One line of a table of figures."""

from __future__ import annotations

import statistics
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table: `most` or `least` is what is to be reached."""

    title: str
    unit: str
    values: list[float]
    most: float | None = None
    least: float | None = None

    @property
    def reached(self) -> bool:
        """True where the median is within its bar."""
        value = statistics.median(self.values)
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def line(self) -> str:
        """As it is printed."""
        values = sorted(self.values)
        span = f" [{number(values[0])}-{number(values[-1])}]" if len(values) > 1 else ""
        goal = verdict = ""
        if self.most is not None or self.least is not None:
            goal = f"<= {number(self.most)}" if self.most is not None else f">= {number(self.least or 0)}"
            verdict = "pass" if self.reached else "FAIL"
        measured = f"{number(statistics.median(values))} {self.unit}{span}"
        return f"{self.title:<62}{measured:<34}{goal:<12}{verdict}"


def number(value: float) -> str:
    """A figure in as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
