"""The second line: the views with their keys."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len
from textual import events

from tui.commands import key_name
from tui.messages import ShowView
from tui.widgets.cells import fit
from tui.widgets.words import Part, Words


class Tab(NamedTuple):
    """A view's name, key and title."""

    view: str
    key: str
    title: str


CRUMB_MAX = 40  # cells of one name in the way


class Tabs(Words):
    """Every key stands there; names stand whole, those nearest to the view in front first, as many as there is room
    for."""

    def __init__(self, tabs: list[Tab], active: str) -> None:
        super().__init__()
        self._tabs = tabs
        self._active = active
        self._ends: list[int] = []
        self._trail: list[str] = []

    def show_trail(self, trail: list[str]) -> None:
        """Where one has drilled down, the way there stands in the place of the other views' names."""
        self._trail = trail if len(trail) > 1 else []
        self._draw(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Draws them for the new width."""
        self._draw(event.size.width)

    def _draw(self, width: int) -> None:
        lengths = [len(tab.title) for tab in self._tabs]
        named = set() if self._trail else _named(lengths, self._place, width)
        parts: list[Part] = []
        self._ends = []
        for place, tab in enumerate(self._tabs):
            name = f" {tab.title}" if place in named else ""
            active = place == self._place
            if active and place:
                parts.append((" ", ""))
            parts.append((f" {key_name(tab.key)}", "bold $primary reverse" if active else "bold $text-primary"))
            parts.append((f"{name} " if active else name, "bold $primary reverse" if active else ""))
            self._ends.append(sum(len(text) for text, _ in parts))
        room = width - sum(len(text) for text, _ in parts)
        self.say(*parts, *_crumbs(self._trail, room))

    def on_click(self, event: events.Click) -> None:
        """Goes to the view under the mouse."""
        for tab, end in zip(self._tabs, self._ends, strict=False):
            if event.x < end:
                self.post_message(ShowView(tab.view))
                return

    @property
    def _place(self) -> int:
        return next((place for place, tab in enumerate(self._tabs) if tab.view == self._active), 0)


def _crumbs(trail: list[str], room: int) -> list[Part]:
    """The end of the way, as much of it as there is room for."""
    parts: list[Part] = []
    for name in reversed(trail):
        said = fit(name, min(cell_len(name), CRUMB_MAX))
        room -= cell_len(said) + 3
        if room < 2:
            parts.insert(0, (" …", "$foreground-muted"))
            break
        parts = [(" › ", "$foreground-muted"), (said, "" if parts else "bold"), *parts]
    return [("  ", ""), *parts[1:]] if parts and parts[0][0] == " › " else parts


def _named(lengths: list[int], active: int, width: int) -> set[int]:
    """The tabs whose names find room beside all the keys, from the active one outwards."""
    room = width - 2 * len(lengths) - (2 if active else 1)  # the active one has a space on either side
    named: set[int] = set()
    for place in sorted(range(len(lengths)), key=lambda place: (abs(place - active), place)):
        room -= lengths[place] + 1
        if room < 0:
            break
        named.add(place)
    return named
