"""Top talkers, those who send and receive the most: names with counts, as the server keeps them over some minutes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tui import humanise
from tui.client import AdminClient
from tui.listing import Column, Listing
from tui.model import Ownerless, UserKey
from tui.record import Json, Raw, Read, Text, Whole, rows

KINDS = {"source": "Sources", "user": "Users", "caller": "Callers", "address": "Addresses"}
PERIODS = (1, 15)  # minutes over which the server counts
BAR = 12  # cells of the longest bar


@dataclass(frozen=True, slots=True)
class Talker(Ownerless, Read):
    """A name and how often it came; `kind` and the `most` of any name beside it are given."""

    kind: Text
    name: Text
    count: Whole
    most: Whole
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.name

    @property
    def user(self) -> UserKey | None:
        """The inbox user that it is, if it is one."""
        return UserKey.parse(self.name) if self.kind == "user" else None

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return self.name.lower()


@dataclass
class Busiest:
    """The busiest of each kind over the last `minutes`."""

    minutes: int = PERIODS[-1]
    topics: tuple[str, ...] = ()
    interval: float = 5.0

    async def load(self, client: AdminClient) -> AsyncIterator[dict[str, list[Talker]]]:
        """All kinds, in one go."""
        wanted = self.minutes
        answer = await client.talkers(wanted)
        if wanted == self.minutes:
            yield {kind: _read(answer, kind) for kind in KINDS}


def _read(answer: Json, kind: str) -> list[Talker]:
    found = rows(answer, kind)
    most = max((row["count"] for row in found if isinstance(row.get("count"), int)), default=0)
    return [Talker.read(row, kind=kind, most=most) for row in found]


def _bar(row: Talker) -> str:
    """A bar as long as its share of the busiest."""
    return "▇" * round(BAR * row.count / row.most) if row.most else ""


COLUMNS: tuple[Column[Talker], ...] = (
    Column("name", "Name", lambda row: row.name, lambda row: row.name, 18, flex=1),
    Column("bar", "", _bar, lambda row: row.count, BAR, rank=2, tone=lambda row: "dim"),
    Column(
        "count",
        "Count",
        lambda row: humanise.count(row.count),
        lambda row: row.count,
        6,
        right=True,
        largest_first=True,
    ),
)


def listing() -> Listing[Talker]:
    """Names, the busiest first."""
    return Listing(COLUMNS, lambda row: row.name, lambda row: row.haystack, "count")
