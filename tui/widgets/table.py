"""A table that draws only what is seen, and of that only what changed."""

from __future__ import annotations

from typing import Any, ClassVar, Generic

from rich.cells import cell_len
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
CHOSEN, GONE = "›", "✕"  # marks before the selected row, and where a selected row was
_Line = tuple[str, tuple[tuple[str, str], ...]]


class Table(ScrollView, Generic[Row], can_focus=True):
    """Shows a `Listing`. The selection is a key: it stays with its row through refreshes, sorting and filtering.

    Where a refresh took its row away nothing is selected until one moves, and the cursor says so. Where the operator
    took it away, by a filter or by an operation on it, the next row is selected; when the filter is dropped the old
    one is again.
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

    class EmptyHanded(Message):
        """A row was to be opened, and none is selected."""

    class Pointed(Message):
        """The cursor stands on another row, or on the same one with new data."""

    class Resorted(Message):
        """The order changed."""

    def __init__(
        self,
        listing: Listing[Row],
        empty: str = "Nothing here",
        follow: bool = False,
        news: bool = False,
        **more: Any,
    ) -> None:
        """`empty` is said where there are no rows; with `follow` the first row stays selected until one moves away;
        with `news` the header counts what came on top while that was out of sight."""
        super().__init__(**more)
        self.listing = listing
        self.empty = empty
        self._follow = follow
        self._order = (listing.sort, listing.reverse) if news else None
        self._cursor = 0
        self._key: object = None
        self._gone = False
        self._wished: object = None  # the selection that a filter hides
        self._acted: object = None  # the row that the operator did something to: it may go
        self._newest: object = None  # the first row when that was last in sight
        self._wanted: dict[str, int] = {}
        self._said = ""
        self._laid: list[tuple[Column[Row], int]] = []
        self._laid_for = -1
        self._painted: dict[int, _Line] = {}

    @property
    def selected(self) -> Row | None:
        """The row under the cursor; None where it is gone."""
        rows = self.listing.visible
        return rows[self._cursor] if self._cursor < len(rows) and not self._gone else None

    @property
    def gone(self) -> bool:
        """True where the selected row went and no other has been selected since."""
        return self._gone and bool(self.listing.visible)

    @property
    def news(self) -> int:
        """The number of rows that came on top while that was out of sight."""
        if self._order != (self.listing.sort, self.listing.reverse) or not self.scroll_offset.y:
            return 0
        return self.listing.position(self._newest) or 0

    @property
    def wants(self) -> int:
        """The cells in which nothing in sight would be cut."""
        columns = self.listing.columns
        widths = (max(column.width, self._wanted.get(column.name, 0)) for column in columns)
        return sum(widths) + GUTTER * (len(columns) - 1) + 2

    def acted_on(self, key: object) -> None:
        """The operator did something to this row: if it goes now, the next is selected."""
        self._acted = key

    @property
    def page_rows(self) -> int:
        """The number of rows in sight."""
        return max(1, self.size.height - 1)

    def rows_changed(self, asked: bool = False) -> None:
        """Takes over the rows that the listing now holds and repaints the lines that differ. They are `asked` for
        where the operator chose another list: then the first row is selected if the selected one is not in it."""
        before = self._cursor
        self._find(asked)
        self.virtual_size = Size(self.size.width, len(self.listing.visible) + 1)
        self._keep_in_place(before)
        self._sight()
        self._repaint()
        self.post_message(self.Pointed())

    def select(self, place: int) -> None:
        """Puts the cursor on a row, counted from 0, and brings it into sight."""
        last = len(self.listing.visible) - 1
        old, self._cursor = self._cursor, max(0, min(place, last))
        self._gone, self._wished = False, None
        self._remember()
        self._show_line(old)
        self._show_line(self._cursor)
        self._into_sight()
        self.post_message(self.Pointed())

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
        else:
            self.post_message(self.EmptyHanded())

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
            return self._badged(self._header(width), width)
        line = self._line(y)
        self._painted[y] = line
        return self._drawn(line, width)

    def on_resize(self, event: events.Resize) -> None:
        """Lays the columns out anew."""
        self.virtual_size = Size(self.size.width, len(self.listing.visible) + 1)
        self._wanted.clear()
        self._sight()
        self._painted.clear()
        self.refresh()
        self._into_sight()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in sight."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._sight()

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
            self._laid = lay_out(self.listing.columns, self._laid_for - 2, self._wanted)
        return self._laid

    def _sight(self) -> None:
        """Learns from the rows in sight how wide the columns want to be (they only grow, so that nothing jumps), and
        which row was the newest seen."""
        top = self.scroll_offset.y
        rows = self.listing.visible
        if top == 0 and rows:
            self._newest = self.listing.key(rows[0])
        before = dict(self._wanted)
        for column in self.listing.columns:
            texts = [safe(column.text(row)) for row in rows[top : top + self.page_rows]]
            widths = [cell_len(column.heading) + 2 * (column.name == self.listing.sort), *map(cell_len, texts)]
            self._wanted[column.name] = max(before.get(column.name, 0), *widths)
        if self._wanted != before and self._laid_for >= 0:
            laid, self._laid_for = self._laid, -1
            if self._columns != laid:
                self._painted.clear()
                self.refresh()
        if self._said != self._badge():
            self.refresh(Region(0, 0, self.size.width, 1))

    def _badge(self) -> str:
        if self.gone:
            return f" {GONE} the selected row is gone "
        return f" ▲ {self.news:,} new, g shows them " if self.news else ""

    def _badged(self, header: Strip, width: int) -> Strip:
        self._said = said = self._badge()
        if not said:
            return header
        style = self.get_component_rich_style("table--bad" if self.gone else "table--warn", partial=True)
        room = max(0, width - cell_len(said))
        badge = Segment(fit(said, width - room), self.get_component_rich_style("table--header") + style)
        return Strip([*header.crop(0, room), badge], width)

    def _click_header(self, x: int) -> None:
        left = 1
        for column, width in self._columns:
            if left <= x < left + width + GUTTER:
                self.action_sort_by(column.name)
                return
            left += width + GUTTER

    def _resorted(self) -> None:
        self._find(asked=False)
        self._sight()
        self._painted.clear()
        self.refresh()
        self._into_sight()
        self.post_message(self.Resorted())

    def _find(self, asked: bool) -> None:
        """Puts the cursor where its row is now."""
        last = max(0, len(self.listing.visible) - 1)
        following = self._follow and self._cursor == 0 and self.scroll_offset.y == 0 and not self._gone
        if following or (self._key is None and self._wished is None):
            self._cursor, self._gone = 0, False
            self._remember()
            return
        wished = self._key if self._wished is None or not asked else self._wished
        found = self.listing.position(wished)
        self._gone = found is None and not asked and self._key not in (None, self._acted)
        if found is not None:
            self._cursor, self._key = found, wished
            self._wished = None if asked else self._wished
        elif asked:
            self._cursor, self._wished = 0, wished
            self._remember()
        else:
            self._cursor = min(self._cursor, last)
            if not self._gone:
                self._remember()

    def _keep_in_place(self, before: int) -> None:
        """Scrolls along with the selected row; from the top only once it would fall out of sight."""
        moved = self._cursor - before
        top = self.scroll_offset.y
        if moved and top <= before < top + self.page_rows and (top or self._cursor >= self.page_rows):
            self.scroll_to(y=top + moved, animate=False, force=True)

    def _remember(self) -> None:
        row = self.selected
        self._key = None if row is None else self.listing.key(row)

    def _into_sight(self) -> None:
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= top + self.page_rows:
            self.scroll_to(y=self._cursor - self.page_rows + 1, animate=False, force=True)

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
            return "", ((said, "empty"),)
        row = rows[place]
        cells = tuple(_cell(column, row) for column, _ in self._columns)
        mark = GONE if self._gone else CHOSEN
        return mark if place == self._cursor else " ", cells

    def _drawn(self, line: _Line, width: int) -> Strip:
        mark, cells = line
        base = self.get_component_rich_style("table--cursor") if mark == CHOSEN else self.rich_style
        if cells and cells[0][1] == "empty":
            style = self.get_component_rich_style("table--empty")
            return Strip([Segment(fit(f" {cells[0][0]}", width), style)], width)
        segments = [Segment(mark, base + self._tone("bad") if mark == GONE else base)]
        for (column, room), (text, tone) in zip(self._columns, cells, strict=True):
            style = base + self._tone(tone) if tone else base
            segments += [Segment(fit(text, room, column.right), style), Segment(" " * GUTTER, base)]
        return Strip(segments).adjust_cell_length(width, base)

    def _tone(self, tone: str) -> Style:
        style = self.get_component_rich_style(f"table--{tone}", partial=True)
        colour = self.get_component_styles(f"table--{tone}").color
        if colour.a < 1 and colour.ansi is None:  # a partial style would drop the transparency: dim would be bright
            return Style(color=(self.background_colors[1] + colour).rich_color, bold=style.bold)
        return Style(color=style.color, bold=style.bold)

    def _header(self, width: int) -> Strip:
        plain = self.get_component_rich_style("table--header")
        chosen = self.get_component_rich_style("table--sorted")
        arrow = "▼" if self.listing.reverse else "▲"
        segments = [Segment(" ", plain)]
        for column, room in self._columns:
            sorted_by = column.name == self.listing.sort
            # Where it has no room for the arrow the style alone marks it: a heading stands whole.
            arrowed = sorted_by and len(column.heading) + 2 <= room
            title = f"{column.heading} {arrow}" if arrowed else column.heading
            style = chosen if sorted_by else plain
            segments += [Segment(fit(title, room, column.right), style), Segment(" " * GUTTER, plain)]
        return Strip(segments).adjust_cell_length(width, plain)


def _cell(column: Column[Row], row: Row) -> tuple[str, str]:
    return safe(column.text(row)), column.tone(row) if column.tone else ""
