"""Events of all instances as they happen."""

from __future__ import annotations

from typing import Any

from tui import columns, humanise
from tui.commands import bind
from tui.events import TAIL_MAX, Event
from tui.listing import Listing
from tui.messages import OpenDelivery, OpenNotification
from tui.page import USER_COMMANDS
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Events(TableView):
    """The newest events of all instances; the first row is followed until one moves away from it."""

    tab = Tab("events", "7", "Events")
    COMMANDS_HERE = (*TABLE_COMMANDS, *USER_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    news = True
    noun = "events"
    empty = "Nothing has happened since this dashboard began to look"
    follow = True

    def listing(self) -> Listing[Event]:
        """Events."""
        return columns.tail()

    def show_events(self) -> None:
        """The events come with the world."""
        self.take(self.world.tail.newest_first())

    def summary(self) -> str:
        """The number of events kept, and of those left out."""
        tail = self.world.tail
        said = self.rows.summary(self.noun)
        if tail.arrived > TAIL_MAX:
            said += f" kept, {tail.arrived:,} came"
        said += ", newest first" if not self.rows.sort and not self.rows.reverse else ""
        return f"{said}, {tail.left_out:,} left out: too many to follow" if tail.left_out else said

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
