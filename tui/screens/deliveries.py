"""Deliveries: notifications on their way through providers."""

from __future__ import annotations

from typing import Any

from textual.timer import Timer

from tui.commands import Command, bind
from tui.deliveries import columns
from tui.deliveries.model import Delivery, queue_of
from tui.deliveries.query import HINT, TERMS, Query, next_status
from tui.deliveries.subjects import Recent
from tui.details.delivery import delivery_facts
from tui.listing import Listing
from tui.messages import OpenDelivery, RefreshNow
from tui.page import CANCEL, HISTORY, RETRY, ROW_COMMANDS, USER, WHY, Setting
from tui.screens.users import ASK_AFTER
from tui.subjects import Snapshot
from tui.view import TABLE_COMMANDS, TableView
from tui.widgets.filter_bar import FilterBar
from tui.widgets.tabs import Tab

STATUS = Command("f", "next_status", "status", "Only the next status: failed, retrying, … and all again", footer=True)
MORE = Command("m", "more", "more", "Load more of the older deliveries", footer=True)
_NONE = "No deliveries yet; notifier send --channel email --recipient a@b.c makes one"
_UNKNOWN = "No delivery has this id: its record has expired, or it never was one; esc drops it"
_FILTERED = "No delivery passes this filter; esc drops it"


class Deliveries(TableView):
    """The newest first. Terms of the filter are asked of the server, its other words are looked for in what came."""

    tab = Tab("deliveries", "9", "Deliveries")
    COMMANDS_HERE = (*TABLE_COMMANDS, WHY, STATUS, CANCEL, RETRY, MORE, *ROW_COMMANDS, USER, HISTORY)
    BINDINGS = bind(COMMANDS_HERE)
    news = True
    noun = "deliveries"
    empty = _NONE
    filter_hint = HINT

    def __init__(self, setting: Setting, needle: str = "") -> None:
        super().__init__(setting, needle)
        self._recent = Recent()
        self._recent.query = Query.parse(needle)
        self.subject = self._recent
        self._asking: Timer | None = None
        self._refused = ""

    def point_at(self, identity: str) -> None:
        """Filters for a channel; that of `push:ios` is `push`."""
        self.narrow_to(f"channel:{queue_of(identity)}")
        self._recent.query = Query.parse(self.needle)

    @property
    def crumb(self) -> str:
        """The name in the trail of pages, with the filter that it was opened for."""
        return f"Deliveries {self.needle}".strip()

    def listing(self) -> Listing[Delivery]:
        """Deliveries."""
        return columns.deliveries()

    def summary(self) -> str:
        """The number of deliveries, or the fault of the filter."""
        wrong = self._recent.query.wrong or self._refused
        if wrong:
            return f"✕ {wrong}"
        return "asking the server …" if self.asked and self.world.link.live else super().summary()

    def show_snapshot(self, value: Snapshot[Any]) -> None:
        """Shows the rows."""
        self._refused = ""
        super().show_snapshot(value)

    def show_failure(self, reason: str, gone: bool) -> None:
        """A server that answers, but not with deliveries, refuses the filter; the rows stay."""
        super().show_failure(reason, gone)
        self._refused = reason if self._recent.query.asked and self.world.link.live and self.loaded else ""
        self.sum_up()

    def words_of(self, typed: str) -> str:
        """The filter without its terms."""
        return Query.parse(typed).words

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Asks the server once the typing rests, if a term is another."""
        before, self._recent.query = self._recent.query, Query.parse(event.needle)
        query = self._recent.query
        if query.wrong:
            self.note(f"terms: {', '.join(TERMS)}")
        self.empty = _UNKNOWN if query.identity else _FILTERED if query.asked else _NONE
        if (before.asked, before.identity) != (query.asked, query.identity):
            self.asked = True
            if self._asking is not None:
                self._asking.stop()
            self._asking = self.set_timer(ASK_AFTER, self._ask)

    def action_next_status(self) -> None:
        """Writes the next status into the filter."""
        self.filter_for(next_status(self.query_one(FilterBar).needle))

    def action_more(self) -> None:
        """Loads more, where there are more."""
        if self.rows.total > len(self.rows.loaded):
            self.note("loading more …")
            self._recent.want_more()
            self._ask()
        else:
            self.note("all are loaded")

    def facts_of(self, row: Any) -> list[tuple[str, str]]:
        """Those of a delivery."""
        return delivery_facts(row)

    def open_row(self, row: Any) -> None:
        """The delivery with its attempts."""
        self.post_message(OpenDelivery(row.id))

    def _ask(self) -> None:
        self.post_message(RefreshNow())
