"""The users known, and the number of notifications each has unread."""

from __future__ import annotations

from textual.timer import Timer

from tui.commands import bind
from tui.inbox import columns
from tui.inbox.model import User
from tui.inbox.subjects import AllUsers
from tui.listing import Listing
from tui.messages import RefreshNow
from tui.page import CLEAR, DISCONNECT, USER_COMMANDS, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.filter_bar import FilterBar
from tui.widgets.tabs import Tab

ASK_AFTER = 0.3  # seconds without a key until the server is asked for what is not loaded


class Users(TableView):
    """Every user known. Where they are too many to load, the server is asked for those that the filter begins."""

    tab = Tab("users", "3", "Users")
    COMMANDS_HERE = (*TABLE_COMMANDS, *USER_COMMANDS, DISCONNECT, CLEAR)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "users"
    empty = "No user is known yet"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._all = AllUsers()
        self.subject = self._all
        self._asking: Timer | None = None

    def listing(self) -> Listing[User]:
        """Users."""
        return columns.users()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Asks the server once the typing rests, if not all users are loaded."""
        self._all.prefix = event.needle.strip().partition(" ")[0]
        if self._asking is not None:
            self._asking.stop()
        if self.rows.total > len(self.rows.loaded):
            self._asking = self.set_timer(ASK_AFTER, self._ask)

    def _ask(self) -> None:
        self.post_message(RefreshNow())
