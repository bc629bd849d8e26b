"""Rows filtered and sorted for showing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tui.times import TIMES

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. `width` is its least width in cells, `flex` its share of what is left over; columns of the highest
    `rank` give way first where there is no room. `tone` names a meaning (`good`, `warn`, `bad`, `dim`) or nothing. A
    `zoned` column shows times of day."""

    name: str
    title: str
    text: Callable[[Row], str]
    order: Callable[[Row], Any]
    width: int
    flex: int = 0
    right: bool = False
    rank: int = 0
    largest_first: bool = False
    tone: Callable[[Row], str] | None = None
    zoned: bool = False

    @property
    def heading(self) -> str:
        """The title; over times with the zone that they are in."""
        return f"{self.title} {TIMES.name}" if self.zoned else self.title


class Listing(Generic[Row]):
    """The rows of a table, which of them pass the filter, and in which order."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], object],
        haystack: Callable[[Row], str],
        sort: str = "",
    ) -> None:
        """`key` tells rows apart over refreshes; `sort` is a column's name, or nothing: as the server orders them."""
        self.columns = tuple(columns)
        self.key = key
        self.sort = sort
        self.reverse = self._first_direction(sort)
        self.needle = ""
        self.total = 0
        self.loaded: list[Row] = []
        self.visible: list[Row] = []
        self._haystack = haystack
        self._ordered: list[Row] = []
        self._searched: list[str] | None = None  # the text of each ordered row, made by the first filter

    def replace(self, rows: list[Row], total: int | None = None) -> None:
        """New rows; `total` is how many the server has in all."""
        self.loaded = rows
        self.total = max(len(rows), total or 0)
        self._arrange()

    def filter(self, needle: str) -> None:
        """Keeps the rows that hold every word of `needle`, in any case."""
        self.needle = needle.strip()
        self._select()

    def sort_by(self, name: str) -> None:
        """Sorts by a column; by the same one again: the other way round."""
        self.reverse = not self.reverse if name == self.sort else self._first_direction(name)
        self.sort = name
        self._arrange()

    def sort_next(self) -> None:
        """Sorts by the next column."""
        names = [column.name for column in self.columns]
        self.sort_by(names[(names.index(self.sort) + 1) % len(names)] if self.sort in names else names[0])

    def invert(self) -> None:
        """The other way round."""
        self.reverse = not self.reverse
        self._arrange()

    def position(self, key: object) -> int | None:
        """Where the row of this key stands, or None."""
        find = self.key
        return next((place for place, row in enumerate(self.visible) if find(row) == key), None)

    def summary(self, noun: str) -> str:
        """`340 users`, `1 user`, `12 of 340 users`; and how many there are where not all are loaded."""
        shown = f"{len(self.visible):,} of " if self.needle else ""
        noun = _one(noun) if self.total == 1 else noun
        if self.total > len(self.loaded):
            return f"{shown}{len(self.loaded):,} {noun} loaded, {self.total:,} in all"
        return f"{shown}{self.total:,} {noun}"

    def order_words(self) -> str:
        """The order of the rows in words; nothing where it is the server's."""
        title = next((column.heading for column in self.columns if column.name == self.sort), "")
        return f"by {title} {'▼' if self.reverse else '▲'}" if title else "reversed" if self.reverse else ""

    def _first_direction(self, name: str) -> bool:
        return any(column.largest_first for column in self.columns if column.name == name)

    def _arrange(self) -> None:
        self._ordered = self._sorted()
        self._searched = None
        self._select()

    def _select(self) -> None:
        words = self.needle.lower().split()
        if not words:
            self.visible = self._ordered
            return
        if self._searched is None:
            self._searched = [self._haystack(row) for row in self._ordered]
        pairs = zip(self._ordered, self._searched, strict=True)
        self.visible = [row for row, text in pairs if all(word in text for word in words)]

    def _sorted(self) -> list[Row]:
        order = next((column.order for column in self.columns if column.name == self.sort), None)
        if order is not None:
            return sorted(self.loaded, key=order, reverse=self.reverse)
        return self.loaded[::-1] if self.reverse else self.loaded


def _one(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
