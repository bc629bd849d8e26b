"""The list of problems, by the server's own checks."""

from __future__ import annotations

import time
from typing import Any

from tui import humanise
from tui.columns import since
from tui.commands import bind
from tui.listing import Column, Listing
from tui.messages import OpenPlace
from tui.page import ROW_COMMANDS
from tui.problems import Knowledge, Problem
from tui.times import TIMES
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab

_SIGNS = {"critical": "✕ critical", "warning": "▲ warning", "notice": "○ notice"}
_TONES = {"critical": "bad", "warning": "warn", "notice": "dim"}
_ORDER = ("critical", "warning", "notice")


def _figure(value: float | None) -> str:
    return humanise.rate(value)


def _severity(row: Problem) -> int:
    return _ORDER.index(row.severity) if row.severity in _ORDER else len(_ORDER)


COLUMNS: tuple[Column[Problem], ...] = (
    Column(
        "severity",
        "Severity",
        lambda row: _SIGNS.get(row.severity, row.severity),
        _severity,
        10,
        tone=lambda row: _TONES.get(row.severity, ""),
    ),
    Column("since", "For", lambda row: since(row.since), lambda row: -(row.since or 0), 6, right=True),
    Column("problem", "Problem", lambda row: row.said, lambda row: row.said, 54, flex=3),
    Column(
        "value",
        "Value",
        lambda row: _figure(row.value),
        lambda row: row.value or 0,
        6,
        right=True,
        rank=2,
        largest_first=True,
    ),
    Column("limit", "Limit", lambda row: _figure(row.threshold), lambda row: row.threshold or 0, 6, right=True, rank=2),
    Column("kind", "Kind", lambda row: row.kind, lambda row: row.kind, 16, rank=3),
)


class Problems(TableView):
    """The worst first; Enter goes to where each can be looked at."""

    tab = Tab("problems", "exclamation_mark", "Problems")
    COMMANDS_HERE = (*TABLE_COMMANDS, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "problems"
    empty = "Not known yet"

    def listing(self) -> Listing[Problem]:
        """Problems."""
        return Listing(COLUMNS, lambda row: row.key, lambda row: row.haystack)

    def show_problems(self) -> None:
        """The problems come with the world."""
        self.empty = self._why_empty()
        self.take(self.world.problems.problems)

    def summary(self) -> str:
        """The number of problems, and when the server looked."""
        board = self.world.problems
        if board.answered_at is None:
            return ""
        notices = humanise.plural(len(board.notices), "notice")
        said = humanise.plural(len(board.grave), "problem") + (f", {notices}" if board.notices else "")
        shown = f"{len(self.rows.visible):,} of " if self.rows.needle else ""
        return f"{shown}{said}, checked {humanise.clock(board.checked_at)} {TIMES.name}"

    def open_row(self, row: Any) -> None:
        """The place where it can be looked at, else the problem itself."""
        if isinstance(row, Problem) and row.place.view:
            self.post_message(OpenPlace(row.place.view, row.place.id))
        else:
            super().open_row(row)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a problem."""
        return [
            ("Problem", row.said),
            ("Severity", row.severity),
            ("Kind", row.kind),
            ("Subject", row.subject or humanise.NONE),
            ("Since", f"{humanise.stamp(row.since)}, {since(row.since)} ago"),
            ("Value", _figure(row.value)),
            ("Limit", _figure(row.threshold)),
        ]

    def _why_empty(self) -> str:
        board = self.world.problems
        match board.knowledge(time.monotonic()):
            case Knowledge.ABSENT:
                return "This server does not list its problems: it is older than this dashboard. 1 shows its health"
            case Knowledge.AWAITED:
                return "Not known yet"
            case Knowledge.OLD:
                return f"Not known: {board.reason or 'the server does not answer'}"
            case Knowledge.KNOWN:
                return "No problems: the server's checks found nothing to look at"
