"""The line over a table: how many rows, in which order, and the filter."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tui.commands import Command, bind
from tui.widgets.words import Part, Words


class FilterInput(Input):
    """Enter goes back to the table and keeps the filter; Escape drops it."""

    BINDING_GROUP_TITLE = "In the filter"
    BINDINGS = bind(
        (
            Command("enter,down", "leave", "keep filter", "Back to the table, keep the filter", footer=True),
            Command("escape", "drop", "drop filter", "Drop the filter", footer=True),
        )
    )

    class Left(Message):
        """The user is done with it."""

    def action_leave(self) -> None:
        """Back to the table."""
        self.post_message(self.Left())

    def action_drop(self) -> None:
        """Back to the table, without a filter."""
        self.value = ""
        self.post_message(self.Left())


class FilterBar(Horizontal):
    """Posts `Changed` on every key that changes the filter."""

    class Changed(Message):
        """The filter is another."""

        def __init__(self, needle: str) -> None:
            super().__init__()
            self.needle = needle

    def __init__(self, hint: str, needle: str = "") -> None:
        """`hint` stands in the empty field; `needle` is the filter to begin with."""
        super().__init__(classes="-open" if needle else "")
        self._hint = hint
        self._first = needle

    def compose(self) -> ComposeResult:
        """The line: filter, summary."""
        yield Words(("/", "bold $text-accent"), classes="filter-mark")
        yield FilterInput(self._first, placeholder=self._hint, compact=True, select_on_focus=False, max_length=200)
        yield Words(classes="filter-summary")

    @property
    def needle(self) -> str:
        """The filter."""
        return self.query_one(FilterInput).value

    def open(self, needle: str | None = None) -> None:
        """Shows the field, with this filter if one is given, and goes there."""
        self.add_class("-open")
        field = self.query_one(FilterInput)
        if needle is not None:
            field.value = needle
        else:
            field.focus()

    def tell(self, summary: str, order: str) -> None:
        """Says how many rows there are and how they are sorted."""
        parts: list[Part] = [(summary, "bold" if self.needle else ""), (f"  {order}", "$foreground-muted")]
        self.query_one(".filter-summary", Words).say(*parts)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Passes the filter on."""
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        """An empty field is put away."""
        self.set_class(bool(self.needle), "-open")
