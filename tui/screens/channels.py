"""The channels that deliveries go out by, and how each does."""

from __future__ import annotations

from typing import Any

from tui import humanise
from tui.commands import bind
from tui.deliveries import channels
from tui.deliveries.channels import AllChannels, Channel
from tui.listing import Listing
from tui.messages import OpenDeliveries
from tui.page import DELIVERIES, HOLD, ROW_COMMANDS, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Channels(TableView):
    """Those with trouble first; Enter shows a channel's deliveries."""

    tab = Tab("channels", "equals_sign", "Channels")
    COMMANDS_HERE = (*TABLE_COMMANDS, HOLD, DELIVERIES, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "channels"
    empty = "This server has no channels"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.subject = AllChannels()

    def listing(self) -> Listing[Channel]:
        """Channels."""
        return channels.channels()

    def show_snapshot(self, value: Any) -> None:
        """Shows them."""
        self.take(value.channels)

    def summary(self) -> str:
        """The number of channels, and what waits and is held in all of them."""
        said = super().summary()
        rows = self.rows.loaded
        if not said or not rows:
            return said
        waiting, held = (humanise.count(sum(getattr(row, name) or 0 for row in rows)) for name in ("waiting", "held"))
        return f"{said}, {waiting} waiting, {held} held"

    def point_at(self, identity: str) -> None:
        """Selects a channel; that of `push:ios` is `push`."""
        super().point_at(identity.partition(":")[0])

    def open_row(self, row: Any) -> None:
        """Its deliveries."""
        self.post_message(OpenDeliveries(f"channel:{row.channel}"))
