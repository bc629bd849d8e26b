"""Styled text that is repainted only when it changes."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from tui.safe import safe_lines
from tui.widgets.cells import fit

Part = tuple[str, str]


class Words(Static):
    """Shows parts of (text, style). The text is taken as it is; nothing in it is markup."""

    ALLOW_SELECT = False

    def __init__(self, *parts: Part, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(_content(parts), id=id, classes=classes, markup=False)
        self._parts = parts

    @property
    def plain(self) -> str:
        """The text shown, without its styles."""
        return "".join(text for text, _ in self._parts)

    def say(self, *parts: Part, layout: bool = False) -> None:
        """Shows these from now on; `layout` where the number of lines may have changed."""
        if parts != self._parts:
            self._parts = parts
            self.update(_content(parts), layout=layout)


def spread(left: list[Part], right: list[Part], width: int) -> list[Part]:
    """One line of `width` cells: `left` cut where it must be, `right` whole at the end."""
    room = width - _length(right)
    kept: list[Part] = []
    for text, style in left:
        length = cell_len(text)
        if length > room:
            kept.append((fit(text, max(0, room)), style))
            room = 0
            break
        kept.append((text, style))
        room -= length
    return [*kept, (" " * max(0, room), ""), *right]


def _length(parts: list[Part]) -> int:
    return sum(cell_len(text) for text, _ in parts)


def _content(parts: tuple[Part, ...]) -> Content:
    # Who says something makes it safe, line by line; this is for the one who forgets.
    return Content.assemble(*(("\n".join(safe_lines(text)), style) for text, style in parts))
