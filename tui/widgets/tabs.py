"""The second line: the views with their keys."""

from __future__ import annotations

from typing import NamedTuple

from textual import events

from tui.commands import key_name
from tui.messages import ShowView
from tui.widgets.words import Part, Words


class Tab(NamedTuple):
    """A view's name, key and title."""

    view: str
    key: str
    title: str


class Tabs(Words):
    """Every key stands there; names stand whole, those nearest to the view in front first, as many as there is room
    for."""

    def __init__(self, tabs: list[Tab], active: str) -> None:
        super().__init__()
        self._tabs = tabs
        self._active = active
        self._ends: list[int] = []

    def on_resize(self, event: events.Resize) -> None:
        """Draws them for the new width."""
        named = _named([len(tab.title) for tab in self._tabs], self._place, event.size.width)
        parts: list[Part] = []
        self._ends = []
        for place, tab in enumerate(self._tabs):
            name = f" {tab.title}" if place in named else ""
            active = place == self._place
            parts.append((f" {key_name(tab.key)}", "bold $primary reverse" if active else "bold $text-primary"))
            parts.append((f"{name} " if active else name, "bold $primary reverse" if active else ""))
            self._ends.append(sum(len(text) for text, _ in parts))
        self.say(*parts)

    def on_click(self, event: events.Click) -> None:
        """Goes to the view under the mouse."""
        for tab, end in zip(self._tabs, self._ends, strict=False):
            if event.x < end:
                self.post_message(ShowView(tab.view))
                return

    @property
    def _place(self) -> int:
        return next((place for place, tab in enumerate(self._tabs) if tab.view == self._active), 0)


def _named(lengths: list[int], active: int, width: int) -> set[int]:
    """The tabs whose names find room beside all the keys, from the active one outwards."""
    room = width - 2 * len(lengths) - 1
    named: set[int] = set()
    for place in sorted(range(len(lengths)), key=lambda place: (abs(place - active), place)):
        room -= lengths[place] + 1
        if room < 0:
            break
        named.add(place)
    return named
