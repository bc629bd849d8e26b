"""Is it healthy, and how much is going on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from textual.containers import Container, Horizontal
from textual.widget import Widget

from tui import columns, humanise
from tui.commands import bind
from tui.deliveries.channels import AllChannels, Channel, ChannelTable, channels
from tui.figures import Sample
from tui.messages import OpenDeliveries
from tui.model import Instance
from tui.page import DELIVERIES, HOLD, ROW_COMMANDS, Setting
from tui.screens.instances import instance_facts
from tui.view import BACK, BEFORE, View
from tui.widgets.chart import Chart, Line
from tui.widgets.figure_strip import FigureStrip
from tui.widgets.health_panel import HealthPanel
from tui.widgets.table import Table
from tui.widgets.tabs import Tab


class Overview(View):
    """Figures, charts, channels, instances and health. On few lines, channels have the place of two charts whose newest
    numbers are among the figures."""

    tab = Tab("overview", "1", "Overview")
    COMMANDS_HERE = (BACK, BEFORE, HOLD, DELIVERIES, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    AUTO_FOCUS = "#instances"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.subject = AllChannels()
        self._instances = columns.instances()
        self._channels = channels()
        self._turn = 0

    def body(self) -> Iterable[Widget]:
        """Top to bottom."""
        yield FigureStrip(id="figures")
        with Container(id="middle"):
            with Container(classes="charts"):
                yield Chart("Rate/s", _RATES, humanise.rate, "rates")
                yield Chart("Latency ms", _LATENCIES, humanise.rate, "latency")
            with Container(classes="charts more"):
                yield Chart("Connections", _CONNECTIONS, humanise.rate, "connections")
                yield Chart("Unread", _UNREAD, humanise.rate, "unread")
            yield Table(self._channels, "Loading …", id="channels")
        with Horizontal(id="cluster"):
            yield Table(self._instances, "No instance has reported yet", id="instances")
            yield HealthPanel(id="health")

    def prepare(self) -> None:
        """Names the panels."""
        self.query_one("#instances").border_title = "Instances"
        self.query_one("#health").border_title = "Health"
        self.query_one("#channels").border_title = "Channels"

    def show_snapshot(self, value: ChannelTable) -> None:
        """The channels."""
        table = self.query_one("#channels", Table)
        table.empty = "This server has no channels"
        self._channels.replace(value.channels)
        table.rows_changed()
        waiting = sum(row.waiting or 0 for row in value.channels)
        table.border_title = f"Channels, {humanise.count(waiting)} waiting"
        table.border_subtitle = (
            f"{humanise.count(value.scheduled)} scheduled, {humanise.count(value.dead)} dead letters"
        )

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why there are no channels, if there are none."""
        if not self._channels.loaded:
            table = self.query_one("#channels", Table)
            table.empty = "This server has no channels" if gone else reason
            table.rows_changed()

    def show_world(self) -> None:
        """Everything, all charts too."""
        super().show_world()
        self._draw(_CHARTS)

    def show_figures(self) -> None:
        """The strip each time, the charts by turns: two a second, since one costs up to 25 ms to draw."""
        sample = self.world.history.latest
        if sample is None:
            self.query_one(FigureStrip).show([(name, humanise.NONE, "") for name in _FIGURES])
        else:
            self.query_one(FigureStrip).show(_strip(sample))
            self._turn = 1 - self._turn
            self._draw(_CHARTS[self._turn :: 2])

    def show_cluster(self) -> None:
        """Instances and health."""
        self._instances.replace(self.world.instances)
        table = self.query_one("#instances", Table)
        table.rows_changed()
        table.border_title = f"Instances {len(self.world.instances):,}"
        table.border_subtitle = _states(self.world.instances)
        if self.world.health is not None:
            self.query_one(HealthPanel).show(self.world.health)

    def open_row(self, row: Any) -> None:
        """An instance, or the deliveries of a channel."""
        if isinstance(row, Channel):
            self.post_message(OpenDeliveries(f"channel:{row.channel}"))
        else:
            super().open_row(row)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of an instance."""
        return instance_facts(row) if isinstance(row, Instance) else []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers the keys of a channel only where a channel is selected."""
        if action in ("hold", "deliveries") and not self.channel:
            return False
        return super().check_action(action, parameters)

    def _draw(self, names: tuple[str, ...]) -> None:
        samples = self.world.history.samples()
        if not samples:
            return
        latest = samples[-1]
        times = [sample.figures.at - latest.figures.at for sample in samples]
        for name in names:
            points = [_POINTS[name](sample) for sample in samples]
            lines = [list(line) for line in zip(*points, strict=True)]
            self.query_one(f"#{name}", Chart).show(times, lines, [humanise.rate(value) for value in points[-1]])


_RATES = (Line("sent", "primary", "s"), Line("push", "success", "p"), Line("ack", "secondary", "a"))
_LATENCIES = (Line("p50", "success", "0"), Line("p95", "warning", "5"), Line("p99", "error", "9"))
_CONNECTIONS = (Line("", "accent", "o"),)
_UNREAD = (Line("", "warning", "o"),)


def _quantiles(sample: Sample) -> tuple[float | None, ...]:
    return sample.figures.p50, sample.figures.p95, sample.figures.p99


_POINTS: dict[str, Callable[[Sample], tuple[float | None, ...]]] = {
    "rates": lambda sample: sample.rates[:3],
    "latency": _quantiles,
    "connections": lambda sample: (sample.figures.connections,),
    "unread": lambda sample: (sample.figures.pending,),
}
_CHARTS = tuple(_POINTS)


def _states(instances: list[Instance]) -> str:
    """The instances that are not up, in words: their rows may be out of sight."""
    counts = {state: sum(row.state == state for row in instances) for state in ("gone", "late")}
    return ", ".join(f"{many} {state}" for state, many in counts.items() if many)


_FIGURES = ("Conns", "Users", "Unread", "Sent/s", "Push/s", "Ack/s", "Exp/s", "p50", "p95", "p99")
_WARN = "$text-warning"


def _strip(sample: Sample) -> list[tuple[str, str, str]]:
    figures = sample.figures
    counts = (figures.connections, figures.users, figures.pending)
    values = [*map(humanise.count, counts), *map(humanise.rate, sample.rates)]
    values += map(humanise.milliseconds, _quantiles(sample))
    styles = {"Unread": _WARN if figures.pending else "", "Exp/s": _WARN if sample.rates[-1] else ""}
    return [(name, value, styles.get(name, "")) for name, value in zip(_FIGURES, values, strict=True)]
