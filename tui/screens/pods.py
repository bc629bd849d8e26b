"""Which processes serve."""

from __future__ import annotations

from typing import Any

from tui import columns, humanise
from tui.commands import bind
from tui.listing import Listing
from tui.model import Pod
from tui.page import ROW_COMMANDS
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Pods(TableView):
    """Every pod that beats, or did lately."""

    tab = Tab("pods", "6", "Pods")
    COMMANDS_HERE = (*TABLE_COMMANDS, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "pods"
    empty = "No pod has been heard of"

    def listing(self) -> Listing[Pod]:
        """Pods."""
        return columns.pods()

    def show_cluster(self) -> None:
        """The pods come with the world."""
        if self.world.pods:
            self.take(self.world.pods)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a pod."""
        return pod_facts(row)


def pod_facts(pod: Pod) -> list[tuple[str, str]]:
    """What is known of a pod."""
    return [
        ("Pod", pod.pod_id),
        ("State", pod.state),
        ("Last heartbeat", f"{humanise.span(pod.heartbeat_age)} ago"),
        ("Started", f"{humanise.stamp(pod.started_at)}, {columns.since(pod.started_at)} ago"),
        ("Connections", f"{pod.connections:,}"),
        ("Locks held", f"{pod.locks:,}"),
        ("Bus entries waiting", f"{pod.bus_lag:,}"),
        ("Version", pod.version or humanise.NONE),
    ]
