"""Doors: other programs' protocols, what came by them, and who has a key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from tui import doors, humanise
from tui.commands import bind
from tui.doors import AllDoors, DoorKey
from tui.page import ROW_COMMANDS, Setting
from tui.view import BACK, BEFORE, View
from tui.widgets.table import Table
from tui.widgets.tabs import Tab

TITLES = {"doors": "Requests since the instances started", "keys": "Keys"}
NOTHING = {"doors": "None", "keys": "None: notifier keys create --door ntfy --to 1:alice --name NAME"}


class Doors(View):
    """Requests by door, and the doors' keys with their last use."""

    tab = Tab("doors", "p", "Doors")
    COMMANDS_HERE = (BACK, BEFORE, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.subject = AllDoors()
        self._listings: dict[str, Any] = {"doors": doors.doors(), "keys": doors.keys()}

    def body(self) -> Iterable[Widget]:
        """Two tables."""
        for name, listing in self._listings.items():
            yield Table(listing, "Loading …", id=name, classes="stacked")

    def prepare(self) -> None:
        """Names the tables."""
        for name, title in TITLES.items():
            self.query_one(f"#{name}").border_title = title

    def show_snapshot(self, value: Any) -> None:
        """Fills them."""
        for name, found in value.items():
            self._listings[name].replace(found)
            table = self.query_one(f"#{name}", Table)
            table.empty = NOTHING[name]
            table.rows_changed()

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why there is nothing, where nothing is shown."""
        said = "This server has no doors: it is older than this dashboard" if gone else reason
        for name, listing in self._listings.items():
            if not listing.loaded:
                table = self.query_one(f"#{name}", Table)
                table.empty = said
                table.rows_changed()

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a key, or of a door."""
        if isinstance(row, DoorKey):
            used = humanise.stamp(row.last_used) if row.last_used else "not since the instances started"
            return [("Key", row.name), ("Id", row.id), ("Door", row.door), ("Reaches", row.to), ("Last used", used)]
        counts = [
            (name.capitalize(), f"{getattr(row, name):,}") for name in ("accepted", "refused", "limited", "failed")
        ]
        return [("Door", row.door), ("Spoken", "yes" if row.open else "no: DOORS does not name it"), *counts]
