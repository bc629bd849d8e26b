"""Events of all instances as they happen."""

from __future__ import annotations

from typing import Any

from tui import columns, humanise
from tui.commands import Command, bind
from tui.events import TAIL_MAX, Event
from tui.listing import Listing
from tui.messages import OpenDelivery, OpenNotification
from tui.page import USER_COMMANDS, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab

NOTHING = "Nothing has happened since this dashboard began to look, and nothing notable within a day"
KIND = Command("f", "next_kind", "notable", "Only what is notable: circuits, pauses, instances; or all", footer=True)


class Events(TableView):
    """The newest events of all instances; the first row is followed until one moves away from it."""

    tab = Tab("events", "7", "Events")
    COMMANDS_HERE = (*TABLE_COMMANDS, KIND, *USER_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    news = True
    noun = "events"
    empty = NOTHING
    follow = True

    def __init__(self, setting: Setting, needle: str = "") -> None:
        super().__init__(setting, needle)
        self._notable = False

    def listing(self) -> Listing[Event]:
        """Events."""
        return columns.tail()

    def show_events(self) -> None:
        """The events come with the world."""
        events = self.world.tail.newest_first()
        self.empty = "Nothing notable has happened within a day" if self._notable else NOTHING
        self.take([event for event in events if event.notable] if self._notable else events)

    def summary(self) -> str:
        """The number of events kept, and of those left out."""
        tail = self.world.tail
        said = self.rows.summary(self.noun) + (", the notable ones" if self._notable else "")
        if tail.arrived > TAIL_MAX:
            said += f" kept, {tail.arrived:,} came"
        said += ", newest first" if not self.rows.sort and not self.rows.reverse else ""
        return f"{said}, {tail.left_out:,} left out: too many to follow" if tail.left_out else said

    def action_next_kind(self) -> None:
        """Leaves out what happens all the time, or shows it again."""
        self._notable = not self._notable
        self.asked = True
        self.show_events()

    def open_row(self, row: Any) -> None:
        """The notification or delivery it is about, else the event itself."""
        if isinstance(row, Event) and row.user is not None and row.notification_id:
            self.post_message(OpenNotification(row.user, row.notification_id, row.stream_id))
        elif isinstance(row, Event) and row.delivery_id:
            self.post_message(OpenDelivery(row.delivery_id))
        else:
            super().open_row(row)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of an event."""
        return [
            ("Event", row.kind),
            ("Time", humanise.stamp(row.at)),
            ("Instance", row.pod_id or humanise.NONE),
            ("User", row.who or humanise.NONE),
            ("What", row.what),
        ]
