"""Top talkers: who sends and receives the most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.containers import Grid
from textual.widget import Widget

from tui import humanise, talkers
from tui.commands import Command, bind
from tui.messages import RefreshNow
from tui.model import UserKey
from tui.page import HISTORY, ROW_COMMANDS, USER, WHY, Setting
from tui.talkers import KINDS, PERIODS, Busiest, Talker
from tui.view import BACK, BEFORE, TablesView
from tui.widgets.table import Table
from tui.widgets.tabs import Tab
from tui.widgets.words import Words

MINUTES = Command("m", "next_period", "minutes", "Count over 1 minute, or over 15", footer=True)


class Talkers(TablesView):
    """Sources, users, callers and addresses side by side; Enter opens a user."""

    tab = Tab("talkers", "b", "Talkers")
    COMMANDS_HERE = (MINUTES, BACK, BEFORE, WHY, *ROW_COMMANDS, USER, HISTORY)
    BINDINGS = bind(COMMANDS_HERE)

    empty = dict.fromkeys(KINDS, "Nobody")
    older = "This server does not count them: it is older than this dashboard"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, {kind: talkers.listing() for kind in KINDS}, KINDS)
        self._busiest = Busiest()
        self.subject = self._busiest
        self._sought = ""

    def body(self) -> Iterable[Widget]:
        """Four tables."""
        yield Words(id="period", classes="heading")
        with Grid(id="talkers"):
            yield from self.tables()

    def prepare(self) -> None:
        """Names the tables."""
        super().prepare()
        self._say()

    def show_snapshot(self, value: Any) -> None:
        """Fills them."""
        super().show_snapshot(value)
        if self._sought:
            self._select(self._sought)

    def point_at(self, identity: str) -> None:
        """Selects a name once the rows are there."""
        self._sought = identity

    @property
    def user(self) -> UserKey | None:
        """The selected user."""
        return self.record.user if isinstance(self.record, Talker) else None

    def open_row(self, row: Any) -> None:
        """A user, else the name itself."""
        if self.user is not None:
            self.action_user()
        else:
            super().open_row(row)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a name."""
        return [("Name", row.name), ("Kind", row.kind), (f"Within {self._busiest.minutes} min", f"{row.count:,}")]

    def action_next_period(self) -> None:
        """The other number of minutes."""
        place = PERIODS.index(self._busiest.minutes)
        self._busiest.minutes = PERIODS[(place + 1) % len(PERIODS)]
        self._say()
        self.post_message(RefreshNow())

    def _select(self, name: str) -> None:
        self._sought = ""
        for kind, listing in self.listings.items():
            place = listing.position(name)
            if place is not None:
                table = self.query_one(f"#{kind}", Table)
                table.select(place)
                table.focus()
                return
        self.note(f"{name} is not among the busiest now")

    def _say(self) -> None:
        said = humanise.plural(self._busiest.minutes, "minute")
        self.query_one("#period", Words).say(
            ("The busiest by notifications and requests within the last ", "$foreground-muted"),
            (said, "bold"),
        )
