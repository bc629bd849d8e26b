"""Unread notifications of all users."""

from __future__ import annotations

from tui.commands import bind
from tui.inbox import columns
from tui.inbox.model import Entry
from tui.inbox.subjects import all_pending
from tui.listing import Listing
from tui.page import CLEAR, MARK, USER_COMMANDS, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Pending(TableView):
    """One row for each unread notification."""

    tab = Tab("pending", "4", "Pending")
    COMMANDS_HERE = (*TABLE_COMMANDS, MARK, *USER_COMMANDS, CLEAR)
    BINDINGS = bind(COMMANDS_HERE)
    news = True
    noun = "unread notifications"
    empty = "Nothing is waiting: all is read"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.subject = all_pending()

    def point_at(self, identity: str) -> None:
        """Filters for a user."""
        self.narrow_to(identity)

    def listing(self) -> Listing[Entry]:
        """Unread notifications."""
        return columns.pending()
