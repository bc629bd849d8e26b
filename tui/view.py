"""A view: a page with a tab and a key. One file in `screens/` with a subclass of `View` is all that a new one takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget

from tui.commands import Command, bind
from tui.listing import Listing
from tui.messages import PaneTurned
from tui.page import Page, Setting, as_json
from tui.subjects import Snapshot
from tui.widgets.filter_bar import FilterBar, FilterInput
from tui.widgets.side_pane import SidePane
from tui.widgets.table import Table
from tui.widgets.tabs import Tab

WIDE = 140  # columns from which the detail stands beside the list
BACK = Command("escape", "back", "back", "Drop the filter, then back to where one came from")
BEFORE = Command("backspace", "view_before", "view before", "Back to the page before this view")
TABLE_COMMANDS = (
    Command("v", "beside", "pane", f"The selected row in full beside the list, or not; from {WIDE} columns on"),
    Command("slash", "filter", "filter", "Filter the rows as you type", footer=True),
    BACK,
    BEFORE,
)


class View(Page):
    """`tab` gives name, key and title; the key's digit is also the view's place among the tabs."""

    tab: ClassVar[Tab]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if hasattr(cls, "tab"):
            cls.active_tab = cls.tab.view

    @property
    def crumb(self) -> str:
        """The name in the trail of pages."""
        return self.tab.title

    def point_at(self, identity: str) -> None:
        """Shows what this id names, once there are data; called before the page is shown."""


class TablesView(View):
    """A view of several tables, each named by the part of the snapshot that it shows. Subclasses place them."""

    empty: ClassVar[Mapping[str, str]] = {}  # shown in a table without rows, by its name
    older = "This server is older than this dashboard"  # than the path that the view asks

    def __init__(self, setting: Setting, listings: Mapping[str, Listing[Any]], titles: Mapping[str, str]) -> None:
        super().__init__(setting)
        self.listings = listings
        self._titles = titles

    def tables(self) -> Iterable[Table[Any]]:
        """The tables, in their order."""
        for name, listing in self.listings.items():
            yield Table(listing, "Loading …", id=name, classes="stacked")

    def prepare(self) -> None:
        """Names the tables."""
        for name, title in self._titles.items():
            self.query_one(f"#{name}").border_title = title

    def show_snapshot(self, value: Any) -> None:
        """Fills them."""
        for name, found in value.items():
            self.listings[name].replace(found)
            self._tell(name, self.empty.get(name, "Nothing"))

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why there is nothing, where nothing is shown."""
        for name, listing in self.listings.items():
            if not listing.loaded:
                self._tell(name, self.older if gone else reason)

    def _tell(self, name: str, empty: str) -> None:
        table = self.query_one(f"#{name}", Table)
        table.empty = empty
        table.rows_changed()


class TableView(View):
    """A view that is one table with a filter. Subclasses give `noun`, `listing()` and a subject, or feed `rows`."""

    BINDINGS = bind(TABLE_COMMANDS)
    noun = "rows"
    empty = "Nothing here"
    filter_hint = "type to filter"
    follow = False
    news = False

    def __init__(self, setting: Setting, needle: str = "") -> None:
        """`needle` is the filter with which it opens, and to which Escape returns."""
        super().__init__(setting)
        self.needle = needle
        self.rows = self.listing()
        self._sought = ""
        self.asked = False  # the next rows are those of another list, which the operator chose

    def listing(self) -> Listing[Any]:
        """The table's rows and columns."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """Filter and table."""
        yield from self.above()
        yield FilterBar(self.filter_hint, self.needle)
        table = Table(self.rows, "Loading …", follow=self.follow, news=self.news, id="table")
        yield Horizontal(table, SidePane(), classes="split")

    def above(self) -> Iterable[Widget]:
        """Widgets over the table."""
        return ()

    def prepare(self) -> None:
        """Says at once what is known."""
        self.sum_up()

    def show_snapshot(self, value: Snapshot[Any]) -> None:
        """Shows the rows."""
        self.take(value.rows, value.total)

    def show_failure(self, reason: str, gone: bool) -> None:
        """Says why there are no rows, if there are none; of something that does not exist there are none."""
        if gone:
            self.asked = True
            self.take([])
        if gone or not self.loaded:
            self.main_table.empty = reason
            self.main_table.rows_changed()

    def take(self, rows: list[Any], total: int | None = None) -> None:
        """New rows for the table."""
        self.loaded = True
        self.rows.replace(rows, total)
        asked, self.asked = self.asked, False
        self._changed(asked)
        self._seek()

    def sum_up(self) -> None:
        """Writes the line over the table."""
        self.query_one(FilterBar).tell(self.summary(), self.rows.order_words())

    def summary(self) -> str:
        """The number of rows, in words."""
        return self.rows.summary(self.noun) if self.loaded else ""

    def words_of(self, typed: str) -> str:
        """The words of the filter that are looked for in the rows."""
        return typed

    @property
    def main_table(self) -> Table[Any]:
        """The view's table."""
        return self.query_one("#table", Table)

    def filter_for(self, needle: str) -> None:
        """Sets the filter from outside."""
        self.query_one(FilterBar).open(needle)
        self.main_table.focus()

    def point_at(self, identity: str) -> None:
        """Selects the row of this id once the rows are there."""
        self._sought = identity

    def narrow_to(self, needle: str) -> None:
        """Opens with this filter; before the page is shown."""
        self.needle = needle
        self.rows.filter(self.words_of(needle))

    def _seek(self) -> None:
        sought, self._sought = self._sought, ""
        if not sought:
            return
        place = next((place for place, row in enumerate(self.rows.visible) if row.identity == sought), None)
        if place is None:
            self.note(f"{sought} is not listed here")
        else:
            self.main_table.select(place)

    def on_resize(self, event: events.Resize) -> None:
        """Gives the selected row a pane of its own where there is room."""
        self._split(event.size.width)

    def on_table_pointed(self, event: Table.Pointed) -> None:
        """Shows the row under the cursor beside the list."""
        event.stop()
        if self.has_class("-split"):
            self._show_beside()

    def action_beside(self) -> None:
        """Shows the pane, or puts it away."""
        if self.size.width < WIDE:
            self.note(f"the pane needs {WIDE} columns, and here are {self.size.width}")
            return
        self.setting.beside = not self.setting.beside
        self.post_message(PaneTurned())
        self._split(self.size.width)

    def _split(self, width: int) -> None:
        self.set_class(self.setting.beside and width >= WIDE, "-split")
        if self.has_class("-split"):
            self._show_beside()

    def _show_beside(self) -> None:
        table = self.main_table
        row = table.selected
        pane = self.query_one(SidePane)
        pane.leave(self.size.width - table.wants)
        if row is None:
            pane.show(None, "nothing is selected", [], "")
        else:
            pane.show(table.listing.key(row), row.identity, self.facts_of(row), as_json(row.raw))

    def action_filter(self) -> None:
        """Goes to the filter."""
        self.query_one(FilterBar).open()

    def action_back(self) -> None:
        """Drops the filter; where there is none, goes back."""
        if self.query_one(FilterBar).needle == self.needle:
            super().action_back()
        else:
            self.query_one(FilterBar).open(self.needle)
            self.query_one(FilterInput).action_leave()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Shows only the rows that pass."""
        self.rows.filter(self.words_of(event.needle))
        self._changed(asked=True)

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        """Back to the table."""
        self.main_table.focus()

    def on_table_resorted(self, event: Table.Resorted) -> None:
        """Says how the rows are sorted now."""
        self.sum_up()

    def _changed(self, asked: bool) -> None:
        self.main_table.empty = f"No {self.noun} match the filter" if self.rows.needle else self.empty
        self.main_table.rows_changed(asked)
        self.sum_up()
