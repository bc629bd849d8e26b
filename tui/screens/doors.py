"""Doors: other programs' protocols, what came by them, and who has a key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from tui import doors, humanise
from tui.commands import bind
from tui.doors import AllDoors, DoorKey
from tui.page import ROW_COMMANDS, Setting
from tui.view import BACK, BEFORE, TablesView
from tui.widgets.tabs import Tab

TITLES = {"doors": "Requests since the instances started", "keys": "Keys"}
NOTHING = {"doors": "None", "keys": "None: notifier keys create --door ntfy --to 1:alice --name NAME"}


class Doors(TablesView):
    """Requests by door, and the doors' keys with their last use."""

    tab = Tab("doors", "p", "Doors")
    COMMANDS_HERE = (BACK, BEFORE, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)

    empty = NOTHING
    older = "This server has no doors: it is older than this dashboard"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, {"doors": doors.doors(), "keys": doors.keys()}, TITLES)
        self.subject = AllDoors()

    def body(self) -> Iterable[Widget]:
        """Two tables."""
        yield from self.tables()

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a key, or of a door."""
        if isinstance(row, DoorKey):
            used = humanise.stamp(row.last_used) if row.last_used else "not since the instances started"
            return [("Key", row.name), ("Id", row.id), ("Door", row.door), ("Reaches", row.to), ("Last used", used)]
        counts = [
            (name.capitalize(), f"{getattr(row, name):,}") for name in ("accepted", "refused", "limited", "failed")
        ]
        return [("Door", row.door), ("Spoken", "yes" if row.open else "no: DOORS does not name it"), *counts]
