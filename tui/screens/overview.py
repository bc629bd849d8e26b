"""Is it healthy, and how much is going on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from textual.containers import Horizontal
from textual.widget import Widget

from tui import columns, humanise
from tui.commands import bind
from tui.figures import Sample
from tui.model import Pod
from tui.page import ROW_COMMANDS, Setting
from tui.screens.pods import pod_facts
from tui.view import View
from tui.widgets.chart import Chart, Line
from tui.widgets.figure_strip import FigureStrip
from tui.widgets.health_panel import HealthPanel
from tui.widgets.table import Table
from tui.widgets.tabs import Tab

REDRAW = 2.0  # seconds between two drawings of a chart: each costs about 5 ms


class Overview(View):
    """Figures, four charts, pods and health."""

    tab = Tab("overview", "1", "Overview")
    COMMANDS_HERE = ROW_COMMANDS
    BINDINGS = bind(COMMANDS_HERE)

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._pods = columns.pods()
        self._drawn_at = 0.0

    def body(self) -> Iterable[Widget]:
        """Top to bottom."""
        yield FigureStrip(id="figures")
        with Horizontal(classes="charts"):
            yield Chart("Rate/s", _RATES, humanise.count, "rates")
            yield Chart("Latency ms", _LATENCIES, humanise.count, "latency")
        with Horizontal(classes="charts"):
            yield Chart("Connections", _CONNECTIONS, humanise.count, "connections")
            yield Chart("Unread", _UNREAD, humanise.count, "unread")
        with Horizontal(id="cluster"):
            yield Table(self._pods, "No pod has been heard of", id="pods")
            yield HealthPanel(id="health")

    def on_mount(self) -> None:
        """Names the panels."""
        self.query_one("#pods").border_title = "Pods"
        self.query_one("#health").border_title = "Health"

    def show_world(self) -> None:
        """Everything, charts too."""
        self._drawn_at = 0.0
        super().show_world()

    def show_figures(self) -> None:
        """The strip each time, the charts now and then."""
        sample = self.world.history.latest
        if sample is None:
            return
        self.query_one(FigureStrip).show(_strip(sample))
        if time.monotonic() - self._drawn_at >= REDRAW - 0.1:
            self._drawn_at = time.monotonic()
            self._draw(sample, self.world.history.samples())

    def show_cluster(self) -> None:
        """Pods and health."""
        self._pods.replace(self.world.pods)
        self.query_one("#pods", Table).rows_changed()
        if self.world.health is not None:
            self.query_one(HealthPanel).show(self.world.health)

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a pod."""
        return pod_facts(row) if isinstance(row, Pod) else []

    def _draw(self, latest: Sample, samples: list[Sample]) -> None:
        times = [sample.figures.at - latest.figures.at for sample in samples]
        rates = [[sample.rates[place] for sample in samples] for place in range(3)]
        self._chart("rates", times, rates, [humanise.rate(value) for value in latest.rates])
        quantiles = [[_quantiles(sample)[place] or 0.0 for sample in samples] for place in range(3)]
        self._chart("latency", times, quantiles, [humanise.rate(value) for value in _quantiles(latest)])
        connections = [float(sample.figures.connections) for sample in samples]
        self._chart("connections", times, [connections], [humanise.count(latest.figures.connections)])
        unread = [float(sample.figures.pending) for sample in samples]
        self._chart("unread", times, [unread], [humanise.count(latest.figures.pending)])

    def _chart(self, name: str, times: list[float], values: list[list[float]], latest: list[str]) -> None:
        self.query_one(f"#{name}", Chart).show(times, values, latest)


_RATES = (Line("sent", "primary", "s"), Line("push", "success", "p"), Line("ack", "secondary", "a"))
_LATENCIES = (Line("p50", "success", "0"), Line("p95", "warning", "5"), Line("p99", "error", "9"))
_CONNECTIONS = (Line("", "accent", "o"),)
_UNREAD = (Line("", "warning", "o"),)


def _quantiles(sample: Sample) -> tuple[float | None, ...]:
    return sample.figures.p50, sample.figures.p95, sample.figures.p99


def _strip(sample: Sample) -> list[tuple[str, str, str]]:
    figures, (sent, pushed, acked, cleared) = sample.figures, sample.rates
    unread = "$text-warning" if figures.pending else ""
    return [
        ("Conns", humanise.count(figures.connections), ""),
        ("Users", humanise.count(figures.users), ""),
        ("Unread", humanise.count(figures.pending), unread),
        ("Sent/s", humanise.rate(sent), ""),
        ("Push/s", humanise.rate(pushed), ""),
        ("Ack/s", humanise.rate(acked), ""),
        ("Exp/s", humanise.rate(cleared), "$text-warning" if cleared else ""),
        ("p50", humanise.milliseconds(figures.p50), ""),
        ("p95", humanise.milliseconds(figures.p95), ""),
        ("p99", humanise.milliseconds(figures.p99), ""),
    ]
