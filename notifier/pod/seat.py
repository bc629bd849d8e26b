"""The place of one instance among the workers of its machine: set with `serve --workers`."""

from __future__ import annotations

from typing import Protocol

from notifier.telemetry.lines import Line
from notifier.telemetry.tally import Place


class Seat(Place, Protocol):
    """A slot on the supervisor's scoreboard, beside those of the other workers and of the Redis keeper."""

    def read_keeper(self) -> bytes: ...
    def take_lines(self) -> list[Line]: ...
    @property
    def restarts(self) -> int: ...
