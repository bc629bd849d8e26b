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
    """Where room is scarce names are shortened: to their first words, then the longest first, until all fit."""

    def __init__(self, tabs: list[Tab], active: str) -> None:
        super().__init__()
        self._tabs = tabs
        self._active = active
        self._ends: list[int] = []

    def on_resize(self, event: events.Resize) -> None:
        """Draws them for the new width."""
        # Where room is scarce one cell lies between two tabs, else two.
        whole = sum(len(tab.title) for tab in self._tabs) + 4 * len(self._tabs) <= event.size.width
        pad = " " if whole else ""
        titles = _shortened([tab.title for tab in self._tabs], event.size.width - 3 * len(self._tabs) - 1)
        titles = [tab.title for tab in self._tabs] if whole else titles
        parts: list[Part] = [] if whole else [(" ", "")]
        self._ends = []
        for tab, title in zip(self._tabs, titles, strict=True):
            active = tab.view == self._active
            parts.append((f"{pad}{key_name(tab.key)}", "bold $primary reverse" if active else "bold $text-primary"))
            parts.append((f" {title}{pad}", "bold $primary reverse" if active else ""))
            parts.append(("" if whole else " ", ""))
            self._ends.append(sum(len(text) for text, _ in parts))
        self.say(*parts)

    def on_click(self, event: events.Click) -> None:
        """Goes to the view under the mouse."""
        for tab, end in zip(self._tabs, self._ends, strict=False):
            if event.x < end:
                self.post_message(ShowView(tab.view))
                return


def _shortened(titles: list[str], room: int) -> list[str]:
    if sum(map(len, titles)) > room:
        titles = [title.split()[0] for title in titles]
    longest = max(map(len, titles))
    while sum(map(len, titles)) > room and longest > 3:
        longest -= 1
        titles = [title[:longest] for title in titles]
    return titles
