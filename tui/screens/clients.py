"""Open connections."""

from __future__ import annotations

from tui.commands import bind
from tui.inbox import columns
from tui.inbox.model import Client
from tui.inbox.subjects import all_clients
from tui.listing import Listing
from tui.page import CLEAR, DISCONNECT, USER_COMMANDS, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Clients(TableView):
    """Every open connection of every instance."""

    tab = Tab("clients", "2", "Clients")
    COMMANDS_HERE = (*TABLE_COMMANDS, *USER_COMMANDS, DISCONNECT, CLEAR)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "connections"
    empty = "Nobody is connected"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.subject = all_clients()

    def listing(self) -> Listing[Client]:
        """Connections."""
        return columns.clients()
