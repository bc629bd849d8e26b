"""The cluster's figures minute by minute, as the server keeps them for a day. No I/O but the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tui.record import Json, Moment, Read, Text, moment_in, number, rows

RANGES = (5, 60, 360, 1440)  # minutes; the first is that of the dashboard's own samples
HOUR = 60
COUNTED = frozenset(("accepted", "pushed", "acked", "sent", "failed"))  # within a minute; shown a second
SIGNS = {
    "restart": "↻",
    "circuit_open": "✕",
    "circuit_closed": "●",
    "paused": "‖",
    "resumed": "▶",
    "instance_gone": "✕",
    "store_replaced": "!",
}
WORDS = {
    "restart": "started",
    "circuit_open": "circuit open",
    "circuit_closed": "circuit closed",
    "paused": "paused",
    "resumed": "resumed",
    "instance_gone": "gone",
    "store_replaced": "store replaced",
}
# What a kind is a state of: of the same state twice only the first is a change.
OF = {"circuit_open": "circuit", "circuit_closed": "circuit", "paused": "pause", "resumed": "pause"}
Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Mark(Read):
    """An event that explains a chart."""

    at: Moment
    kind: Text
    text: Text

    @property
    def sign(self) -> str:
        """Its sign over a chart."""
        return SIGNS.get(self.kind, "•")

    @property
    def said(self) -> str:
        """The event, in words."""
        return f"{self.sign} {self.text} {WORDS.get(self.kind, self.kind)}".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class Minutes:
    """One answer of `GET history/metrics`: `start` in unix seconds, a value or None for each `step` seconds."""

    start: float
    step: float
    series: Mapping[str, Values]
    marks: tuple[Mark, ...]

    @classmethod
    def read(cls, answer: Json) -> Minutes:
        """From its JSON; the running minute, which is not over, is left out."""
        step = number(answer.get("step_seconds")) or 60.0
        found = answer.get("series")
        series = found if isinstance(found, Mapping) else {}
        kept = {str(name): _values(str(name), values, step) for name, values in series.items()}
        return cls(
            moment_in(answer, "from") or 0.0, step, kept, changes([Mark.read(row) for row in rows(answer, "marks")])
        )

    def of(self, name: str) -> Values:
        """The values of a series, counts as a rate a second."""
        return self.series.get(name, ())

    def times(self, now: float) -> list[float]:
        """The middle of each minute in seconds before `now` (unix seconds): negative."""
        many = max((len(values) for values in self.series.values()), default=0)
        return [self.start + (place + 0.5) * self.step - now for place in range(many)]

    def reach(self, now: float) -> float:
        """Seconds from the oldest minute with any figure until `now`."""
        starts = [next((n for n, value in enumerate(row) if value is not None), None) for row in self.series.values()]
        known = [place for place in starts if place is not None]
        return now - (self.start + min(known) * self.step) if known else 0.0


def changes(marks: list[Mark]) -> tuple[Mark, ...]:
    """Those that changed something, oldest first: a circuit that is tried and opens again was open before."""
    found: list[Mark] = []
    last: dict[tuple[str, str], str] = {}
    for mark in sorted(marks, key=lambda mark: mark.at or 0.0):
        about = (mark.text, OF.get(mark.kind, mark.kind))
        if about[1] == mark.kind or last.get(about) != mark.kind:
            found.append(mark)
        last[about] = mark.kind
    return tuple(found)


def _values(name: str, values: object, step: float) -> Values:
    share = step if name in COUNTED else 1.0
    found = [number(value) for value in values] if isinstance(values, list) else []
    return tuple(None if value is None else value / share for value in found[:-1])
