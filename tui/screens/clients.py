"""Who is connected."""

from __future__ import annotations

from typing import Any

from tui import columns
from tui.client import AdminClient
from tui.commands import bind
from tui.listing import Listing
from tui.model import Client
from tui.page import CLEAR, DISCONNECT, USER_COMMANDS, Setting
from tui.subjects import Paged, read_clients
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Clients(TableView):
    """Every open connection of every pod."""

    tab = Tab("clients", "2", "Clients")
    COMMANDS_HERE = (*TABLE_COMMANDS, *USER_COMMANDS, DISCONNECT, CLEAR)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "connections"
    empty = "Nobody is connected"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.subject = Paged(AdminClient.clients, read_clients, "total", ("client.", "notification."))

    def listing(self) -> Listing[Client]:
        """Connections."""
        return columns.clients()

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """None: a connection opens its user."""
        return []
