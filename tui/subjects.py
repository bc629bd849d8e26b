"""Subjects: data that a view keeps fresh, and the requests that fetch them. No Textual."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tui.client import AdminClient
from tui.model import Record
from tui.record import Json, text, whole

ROWS_MAX = 10_000
TEXT_MAX = 16_000_000  # characters of searchable text in all rows: where messages are long, fewer rows are loaded
Row = TypeVar("Row")
Found = TypeVar("Found", bound=Record)


class Subject(Protocol):
    """Something that is fetched again when an event of its topics comes, and now and then."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Starts of the types of events that make it stale."""
        ...

    @property
    def interval(self) -> float:
        """Seconds after which it is fetched again without an event."""
        ...

    def load(self, client: AdminClient) -> AsyncIterator[object]:
        """Gives what is known so far, more complete each time, or None for "still at it". Raises `ApiError`."""
        ...


@dataclass
class Snapshot(Generic[Row]):
    """Rows of a table, and how many the server has in all."""

    rows: list[Row]
    total: int


@dataclass
class Paged(Generic[Found]):
    """A table that comes page by page, at most `ROWS_MAX` rows or `TEXT_MAX` characters of it."""

    page: Callable[[AdminClient, str], Awaitable[Json]]
    read: Callable[[Json], list[Found]]
    total: str
    topics: tuple[str, ...]
    interval: float = 15.0
    held: bool = False  # all pages came once: from then on a refresh shows nothing less

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[Found] | None]:
        """At first the first page as soon as it is there; None for each on the way, then all of them."""
        found: list[Found] = []
        cursor, text_held = "", 0
        while len(found) < ROWS_MAX and text_held < TEXT_MAX:
            answer = await self.page(client, cursor)
            page = self.read(answer)
            found += page
            text_held += sum(len(row.haystack) for row in page)
            following = text(answer, "next_cursor")
            if not following or following == cursor:
                self.held = True
                yield Snapshot(found, len(found))
                return
            yield None if cursor or self.held else Snapshot(list(found), whole(answer, self.total))
            cursor = following
        self.held = True
        yield Snapshot(found[:ROWS_MAX], whole(answer, self.total))
