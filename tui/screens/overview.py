"""Is it healthy, and how much is going on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import events
from textual.containers import Container, Horizontal
from textual.widget import Widget

from tui import columns, humanise
from tui.commands import Command, bind
from tui.deliveries.channels import Channel, ChannelTable, channels
from tui.figures import RATE_OVER, Sample
from tui.glance import Glance
from tui.messages import OpenDeliveries, RefreshNow
from tui.minutes import HOUR, RANGES, Minutes
from tui.model import Instance
from tui.page import DELIVERIES, HOLD, ROW_COMMANDS, Setting
from tui.screens.instances import instance_facts
from tui.times import TIMES
from tui.view import BACK, BEFORE, View
from tui.widgets.chart import Chart, Picture
from tui.widgets.figure_strip import FigureStrip
from tui.widgets.health_panel import HealthPanel
from tui.widgets.pictures import SOURCES, of_minutes, of_samples, remark
from tui.widgets.table import Table
from tui.widgets.tabs import Tab

REST = 10.0  # seconds between two drawings of a chart of hours
LEAST_REACH = 300.0  # seconds of figures that the server must have: below, the dashboard's own samples say more
RANGE = Command("m", "next_range", "range", "Charts over 5 minutes, an hour, 6 hours, a day", footer=True)
_RANGE_WORDS = {5: "the last 5 minutes", 60: "an hour", 360: "6 hours", 1440: "a day"}


class Overview(View):
    """Figures, charts, channels, instances and health. On few lines, channels have the place of two charts whose newest
    numbers are among the figures."""

    tab = Tab("overview", "1", "Overview")
    COMMANDS_HERE = (BACK, BEFORE, HOLD, DELIVERIES, RANGE, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    AUTO_FOCUS = "#instances"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._glance = Glance()
        self.subject = self._glance
        self._range = HOUR
        self._minutes: Minutes | None = None
        self._drawn: dict[str, float] = {}
        self._instances = columns.instances()
        self._channels = channels()
        self._turn = 0

    def body(self) -> Iterable[Widget]:
        """Top to bottom."""
        yield FigureStrip(id="figures")
        with Container(id="middle"):
            with Container(classes="charts"):
                yield Chart(humanise.rate, "rates")
                yield Chart(humanise.rate, "latency")
            with Container(classes="charts more"):
                yield Chart(humanise.rate, "connections")
                yield Chart(humanise.rate, "unread")
            yield Table(self._channels, "Loading …", id="channels")
        with Horizontal(id="cluster"):
            yield Table(self._instances, "No instance has reported yet", id="instances")
            yield HealthPanel(id="health")

    def prepare(self) -> None:
        """Names the panels."""
        self.query_one("#instances").border_title = "Instances"
        self.query_one("#health").border_title = "Health"
        self.query_one("#channels").border_title = "Channels"
        for name, source in SOURCES.items():
            self.query_one(f"#{name}").border_title = source.heading
        # Charts of hours are drawn seldom, and would stand in the colours of the theme before.
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw_anew())

    def show_snapshot(self, value: ChannelTable | Minutes) -> None:
        """The channels, or the figures of the last hours."""
        if isinstance(value, Minutes):
            if value is not self._minutes:
                self._minutes = value
                self._draw_anew()
        else:
            self._show_channels(value)

    def _show_channels(self, value: ChannelTable) -> None:
        table = self.query_one("#channels", Table)
        table.empty = "This server has no channels"
        self._channels.replace(value.channels)
        table.rows_changed()
        waiting = sum(row.waiting or 0 for row in value.channels)
        table.border_title = f"Channels, {humanise.count(waiting)} waiting"
        table.border_subtitle = (
            f"{humanise.count(value.scheduled)} scheduled, {humanise.plural(value.dead, 'dead letter')}"
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
        self._draw_anew()

    def show_figures(self) -> None:
        """The strip each time, the charts by turns: two a second, since one costs up to 25 ms to draw; charts of hours
        every `REST` seconds."""
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

    def action_next_range(self) -> None:
        """Minutes, an hour, six, a day."""
        self._range = RANGES[(RANGES.index(self._range) + 1) % len(RANGES)]
        self._glance.minutes = 0 if self._range == RANGES[0] else self._range
        self._minutes = None
        self._draw_anew()
        self.note(f"charts over {_RANGE_WORDS[self._range]}")
        self.post_message(RefreshNow())

    def on_resize(self, event: events.Resize) -> None:
        """Draws the charts for the new size."""
        super().on_resize(event)
        self._drawn.clear()

    def _draw_anew(self) -> None:
        self._drawn.clear()
        self._draw(_CHARTS)

    def _draw(self, names: tuple[str, ...]) -> None:
        samples = self.world.history.samples()
        now = TIMES.now()
        minutes = self._minutes if self._minutes and self._minutes.reach(now) > LEAST_REACH else None
        for name in names:
            if minutes is None and samples:
                self.query_one(f"#{name}", Chart).show(of_samples(SOURCES[name], samples))
            elif minutes is not None and now - self._drawn.get(name, 0.0) >= REST:
                self._drawn[name] = now
                self.query_one(f"#{name}", Chart).show(self._past(name, minutes, _present(samples), now))

    def _past(self, name: str, minutes: Minutes, sample: Sample | None, now: float) -> Picture:
        picture = of_minutes(SOURCES[name], minutes, sample, now, self._range * 60.0)
        return picture._replace(remark=remark(minutes, now)) if name == _CHARTS[0] else picture


_CHARTS = tuple(SOURCES)


def _present(samples: list[Sample]) -> Sample | None:
    """The newest sample, once there are rates: they are taken over some seconds."""
    known = samples and samples[-1].figures.at - samples[0].figures.at >= RATE_OVER
    return samples[-1] if known else None


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
    values += map(humanise.milliseconds, (figures.p50, figures.p95, figures.p99))
    styles = {"Unread": _WARN if figures.pending else "", "Exp/s": _WARN if sample.rates[-1] else ""}
    return [(name, value, styles.get(name, "")) for name, value in zip(_FIGURES, values, strict=True)]
