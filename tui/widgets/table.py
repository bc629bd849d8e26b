"""A table that draws only what is seen, and of that only what changed."""

from __future__ import annotations

from typing import Any, ClassVar, Generic

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.commands import Command, bind
from tui.listing import Column, Listing, Row
from tui.safe import safe
from tui.widgets.cells import GUTTER, fit, lay_out

COMMANDS = (
    Command("enter", "open", "open", "Open what is selected", footer=True),
    Command("up,k", "move(-1)", "up", "One row up"),
    Command("down,j", "move(1)", "down", "One row down"),
    Command("pageup", "page(-1)", "page up", "One page up"),
    Command("pagedown", "page(1)", "page down", "One page down"),
    Command("home,g", "top", "top", "To the first row"),
    Command("end,G", "bottom", "bottom", "To the last row"),
    Command("s", "sort_next", "sort", "Sort by the next column"),
    Command("i", "invert", "invert", "Sort the other way round"),
)
TONES = ("good", "warn", "bad", "dim")
_Line = tuple[bool, tuple[tuple[str, str], ...]]


class Table(ScrollView, Generic[Row], can_focus=True):
    """Shows a `Listing`. The selection and what is in sight stay with their rows when the rows change.

    While the selection rests on the first row and nothing is scrolled, it stays at the top: a live list is followed.
    """

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "In the table"
    BINDINGS = bind(COMMANDS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--sorted",
        "table--cursor",
        "table--empty",
        *(f"table--{tone}" for tone in TONES),
    }

    class Opened(Message):
        """A row was chosen."""

        def __init__(self, table: Table[Any], row: Any) -> None:
            super().__init__()
            self.table = table
            self.row = row

    class Resorted(Message):
        """The order changed."""

    def __init__(self, listing: Listing[Row], empty: str = "Nothing here", follow: bool = False, **more: Any) -> None:
        """`empty` is said where there are no rows; with `follow` the first row stays selected until one moves away."""
        super().__init__(**more)
        self.listing = listing
        self.empty = empty
        self._follow = follow
        self._cursor = 0
        self._key: object = None
        self._laid: list[tuple[Column[Row], int]] = []
        self._laid_for = -1
        self._painted: dict[int, _Line] = {}

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        rows = self.listing.visible
        return rows[self._cursor] if self._cursor < len(rows) else None

    @property
    def page_rows(self) -> int:
        """The number of rows in sight."""
        return max(1, self.size.height - 1)

    def rows_changed(self) -> None:
        """Takes over what the listing now holds and repaints the lines that differ."""
        before = self._cursor
        self._cursor = self._place()
        self._remember()
        self.virtual_size = Size(self.size.width, len(self.listing.visible) + 1)
        moved = self._cursor - before
        if moved and self.scroll_offset.y <= before < self.scroll_offset.y + self.page_rows:
            self.scroll_to(y=self.scroll_offset.y + moved, animate=False)
        self._repaint()

    def select(self, place: int) -> None:
        """Puts the cursor on a row, counted from 0, and brings it into sight."""
        last = len(self.listing.visible) - 1
        old, self._cursor = self._cursor, max(0, min(place, last))
        self._remember()
        self._show_line(old)
        self._show_line(self._cursor)
        self._into_sight()

    def action_move(self, rows: int) -> None:
        """Moves the cursor."""
        self.select(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """Moves the cursor by what is in sight."""
        self.select(self._cursor + pages * self.page_rows)

    def action_top(self) -> None:
        """To the first row."""
        self.select(0)

    def action_bottom(self) -> None:
        """To the last row."""
        self.select(len(self.listing.visible) - 1)

    def action_open(self) -> None:
        """Chooses the row under the cursor."""
        if self.selected is not None:
            self.post_message(self.Opened(self, self.selected))

    def action_sort_next(self) -> None:
        """Sorts by the next column."""
        self.listing.sort_next()
        self._resorted()

    def action_invert(self) -> None:
        """Sorts the other way round."""
        self.listing.invert()
        self._resorted()

    def action_sort_by(self, name: str) -> None:
        """Sorts by a column."""
        self.listing.sort_by(name)
        self._resorted()

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header, a row, or blank."""
        width = self.size.width
        if y == 0:
            return self._header(width)
        line = self._line(y)
        self._painted[y] = line
        return self._drawn(line, width)

    def on_resize(self, event: events.Resize) -> None:
        """Lays the columns out anew."""
        self.virtual_size = Size(self.size.width, len(self.listing.visible) + 1)
        self._painted.clear()
        self.refresh()
        self._into_sight()

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self._show_line(self._cursor)

    def on_blur(self) -> None:
        """The cursor looks different without the focus."""
        self._show_line(self._cursor)

    def on_click(self, event: events.Click) -> None:
        """Header: sort. Row: select; twice: open."""
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y == 0:
            self._click_header(at.x)
            return
        place = at.y - 1 + self.scroll_offset.y
        if place >= len(self.listing.visible):
            return
        if place == self._cursor and event.chain > 1:
            self.action_open()
        self.select(place)

    @property
    def _columns(self) -> list[tuple[Column[Row], int]]:
        if self._laid_for != self.size.width:
            self._laid_for = self.size.width
            self._laid = lay_out(self.listing.columns, self._laid_for - 2)
        return self._laid

    def _click_header(self, x: int) -> None:
        left = 1
        for column, width in self._columns:
            if left <= x < left + width + GUTTER:
                self.action_sort_by(column.name)
                return
            left += width + GUTTER

    def _resorted(self) -> None:
        self._cursor = self._place()
        self._painted.clear()
        self.refresh()
        self._into_sight()
        self.post_message(self.Resorted())

    def _place(self) -> int:
        """Where the cursor belongs now: on the row it was on, else where it was."""
        last = max(0, len(self.listing.visible) - 1)
        if self._key is None or (self._follow and self._cursor == 0 and self.scroll_offset.y == 0):
            return 0
        found = self.listing.position(self._key)
        return min(self._cursor, last) if found is None else found

    def _remember(self) -> None:
        row = self.selected
        self._key = None if row is None else self.listing.key(row)

    def _into_sight(self) -> None:
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + self.page_rows:
            self.scroll_to(y=self._cursor - self.page_rows + 1, animate=False)

    def _show_line(self, place: int) -> None:
        y = place - self.scroll_offset.y + 1
        if 0 < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _repaint(self) -> None:
        for y in range(1, self.size.height):
            if self._painted.get(y) != self._line(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def _line(self, y: int) -> _Line:
        place = y - 1 + self.scroll_offset.y
        rows = self.listing.visible
        if place >= len(rows):
            said = self.empty if y == 1 and not rows else ""
            return False, ((said, "empty"),)
        row = rows[place]
        cells = tuple(_cell(column, row) for column, _ in self._columns)
        return place == self._cursor, cells

    def _drawn(self, line: _Line, width: int) -> Strip:
        under_cursor, cells = line
        base = self.get_component_rich_style("table--cursor") if under_cursor else self.rich_style
        if cells and cells[0][1] == "empty":
            style = self.get_component_rich_style("table--empty")
            return Strip([Segment(fit(f" {cells[0][0]}", width), style)], width)
        segments = [Segment("›" if under_cursor else " ", base)]
        for (column, room), (text, tone) in zip(self._columns, cells, strict=True):
            style = base + self._tone(tone, under_cursor) if tone else base
            segments += [Segment(fit(text, room, column.right), style), Segment(" " * GUTTER, base)]
        return Strip(segments).adjust_cell_length(width, base)

    def _tone(self, tone: str, under_cursor: bool) -> Style:
        style = self.get_component_rich_style(f"table--{tone}", partial=True)
        return Style(bold=style.bold) if under_cursor else style

    def _header(self, width: int) -> Strip:
        plain = self.get_component_rich_style("table--header")
        chosen = self.get_component_rich_style("table--sorted")
        arrow = "▼" if self.listing.reverse else "▲"
        segments = [Segment(" ", plain)]
        for column, room in self._columns:
            sorted_by = column.name == self.listing.sort
            title = f"{column.title} {arrow}" if sorted_by else column.title
            style = chosen if sorted_by else plain
            segments += [Segment(fit(title, room, column.right), style), Segment(" " * GUTTER, plain)]
        return Strip(segments).adjust_cell_length(width, plain)


def _cell(column: Column[Row], row: Row) -> tuple[str, str]:
    return safe(column.text(row)), column.tone(row) if column.tone else ""
