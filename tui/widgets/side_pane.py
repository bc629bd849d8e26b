"""The selected row in full, beside the list: its facts, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.safe import safe, safe_lines
from tui.widgets.facts import Facts
from tui.widgets.words import Words

LEAST, MOST = 46, 80  # columns of the pane
JSON_MAX = 20_000  # characters shown; a page of its own shows the rest


class SidePane(VerticalScroll):
    """Values in by `show`. Another row begins at its top; the same one, fetched anew, stays scrolled as it was."""

    BINDING_GROUP_TITLE = "Beside the list"

    def __init__(self) -> None:
        super().__init__(classes="beside")
        self._key: object = None

    def compose(self) -> ComposeResult:
        """Facts, then JSON."""
        yield Facts()
        yield Words(classes="json")

    def leave(self, cells: int) -> None:
        """Takes the cells that the list does not want, within bounds."""
        width = max(LEAST, min(MOST, cells))
        if self.styles.width is None or self.styles.width.value != width:
            self.styles.width = width

    def show(self, key: object, name: str, facts: Sequence[tuple[str, str]], json: str) -> None:
        """Shows a row: the `key` tells it from others."""
        if key != self._key:
            self._key = key
            self.scroll_home(animate=False)
        self.border_title = safe(name)
        self.query_one(Facts).display = bool(facts)
        self.query_one(Facts).show(facts)
        self.query_one(".json", Words).say(("\n".join(safe_lines(json[:JSON_MAX])), ""), layout=True)
