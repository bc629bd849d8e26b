"""Which processes serve."""

from __future__ import annotations

from typing import Any

from tui import columns, humanise
from tui.commands import bind
from tui.listing import Listing
from tui.model import Instance
from tui.page import ROW_COMMANDS
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Instances(TableView):
    """Every instance that beats, or did lately."""

    tab = Tab("instances", "6", "Instances")
    COMMANDS_HERE = (*TABLE_COMMANDS, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "instances"
    empty = "No instance has reported yet"

    def listing(self) -> Listing[Instance]:
        """Instances."""
        return columns.instances()

    def show_cluster(self) -> None:
        """The instances come with the world."""
        if self.world.instances:
            self.take(self.world.instances)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of an instance."""
        return instance_facts(row)


def instance_facts(row: Instance) -> list[tuple[str, str]]:
    """The facts of an instance."""
    return [
        ("Instance", row.pod_id),
        ("State", row.state),
        ("Last heartbeat", f"{humanise.span(row.heartbeat_age)} ago"),
        ("Started", f"{humanise.stamp(row.started_at)}, {columns.since(row.started_at)} ago"),
        ("Connections", f"{row.connections:,}"),
        ("Locks held", f"{row.locks:,}"),
        ("Bus entries waiting", f"{row.bus_lag:,}"),
        ("Version", row.version or humanise.NONE),
    ]
