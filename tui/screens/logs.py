"""Warnings and errors that the instances logged."""

from __future__ import annotations

from typing import Any

from tui import columns, humanise
from tui.commands import Command, bind
from tui.events import LOGS_MAX, Event
from tui.listing import Listing
from tui.page import ROW_COMMANDS, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab

LEVEL = Command("f", "next_level", "level", "Errors alone, or warnings too", footer=True)


class Logs(TableView):
    """The newest first, of all instances, also of the day before; the first row is followed until one moves away."""

    tab = Tab("logs", "l", "Log")
    COMMANDS_HERE = (*TABLE_COMMANDS, LEVEL, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    news = True
    noun = "log lines"
    empty = "No warning and no error within the last day"
    follow = True

    def __init__(self, setting: Setting, needle: str = "") -> None:
        super().__init__(setting, needle)
        self._errors = False

    def listing(self) -> Listing[Event]:
        """Log lines."""
        return columns.log()

    def show_events(self) -> None:
        """The lines come with the events."""
        lines = self.world.tail.logs()
        self.empty = "No error within the last day" if self._errors else Logs.empty
        self.take([line for line in lines if line.level == "error"] if self._errors else lines)

    def summary(self) -> str:
        """The number of lines kept, and the level."""
        level = "errors alone" if self._errors else "warnings and errors"
        most = f", the last {LOGS_MAX:,}" if len(self.world.tail.logs()) >= LOGS_MAX else ""
        return f"{self.rows.summary(self.noun)}, {level}{most}"

    def action_next_level(self) -> None:
        """Turns warnings off or on."""
        self._errors = not self._errors
        self.asked = True
        self.show_events()

    def point_at(self, identity: str) -> None:
        """Filters for an instance or an event."""
        self.narrow_to(identity)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a line."""
        return [
            ("Event", row.named),
            ("Level", row.level),
            ("Time", humanise.stamp(row.at)),
            ("Instance", row.told_by or humanise.NONE),
            ("Text", row.said),
        ]
