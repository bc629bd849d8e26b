"""Every action in the command palette, from the same bindings as the keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen

from tui.commands import available
from tui.widgets.table import Table


class Offer(NamedTuple):
    """A line of the palette."""

    name: str
    run: Callable[[], Awaitable[Any] | Any]


class Themed(Protocol):
    """An app that can change its theme."""

    def choose_theme(self, name: str) -> None:
        """Shows and remembers it."""
        ...


class Actions(Provider):
    """The commands that work on the page below, its columns to sort by, and the themes."""

    async def discover(self) -> Hits:
        """All of them."""
        for offer in self._offers():
            yield DiscoveryHit(Content(offer.name), offer.run)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for offer in self._offers():
            score = matcher.match(offer.name)
            if score > 0:
                yield Hit(score, matcher.highlight(offer.name), offer.run)

    def _offers(self) -> list[Offer]:
        return [*self._commands(), *_sorts(self.screen), *self._themes()]

    def _commands(self) -> Iterator[Offer]:
        # Those worth a place in the footer come first, moving about in a table last.
        commands = sorted(available(self.screen), key=lambda each: (isinstance(each.node, Table), not each.footer))
        for command in commands:
            yield Offer(f"{command.help}  ({command.keys})", partial(self.app.run_action, command.action, command.node))

    def _themes(self) -> Iterator[Offer]:
        app = cast(Themed, self.app)
        for name in sorted(self.app.available_themes):
            yield Offer(f"Theme {name}", partial(app.choose_theme, name))


def _sorts(screen: Screen[object]) -> Iterator[Offer]:
    for table in screen.query(Table):
        for column in table.listing.columns:
            run = partial(table.action_sort_by, column.name)
            title = f" in {table.border_title}" if table.border_title else ""
            yield Offer(f"Sort by {column.title}{title}", run)
