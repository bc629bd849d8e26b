"""Which outside services take deliveries, and how they do."""

from __future__ import annotations

from typing import Any

from tui import humanise
from tui.commands import bind
from tui.deliveries import columns
from tui.deliveries.model import Provider
from tui.deliveries.subjects import AllProviders
from tui.listing import Listing
from tui.page import DELIVERIES, HOLD, ROW_COMMANDS, Setting
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.tabs import Tab


class Providers(TableView):
    """Every provider with its breaker, what it took, how fast, and whether its channel is paused."""

    tab = Tab("providers", "minus", "Providers")
    COMMANDS_HERE = (*TABLE_COMMANDS, HOLD, DELIVERIES, *ROW_COMMANDS)
    BINDINGS = bind(COMMANDS_HERE)
    noun = "providers"
    empty = "No instance has providers: none runs with the role delivery"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.subject = AllProviders()

    def listing(self) -> Listing[Provider]:
        """Providers."""
        return columns.providers()

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a provider."""
        p50, p95, p99 = map(humanise.milliseconds, row.latency)
        return [
            ("Provider", row.name),
            ("Channel", row.channel),
            ("Queue", f"{row.queue}, {'paused' if row.paused else 'not paused'}"),
            ("Circuit", row.state),
            ("Failures in a row", f"{row.failures:,}"),
            ("Open until", humanise.stamp(row.open_until)),
            ("Sent", f"{row.sent:,}"),
            ("Failed", f"{row.failed:,}"),
            ("Rate", f"{humanise.rate(row.rate)} a second"),
            ("Latency", f"p50 {p50}, p95 {p95}, p99 {p99}"),
        ]
