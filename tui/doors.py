"""Doors, other programs' protocols by which notifications come in: their requests, and their keys. No Textual."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from tui import humanise
from tui.client import AdminClient
from tui.columns import since
from tui.listing import Column, Listing
from tui.model import Ownerless
from tui.record import Flag, Json, Moment, Raw, Read, Text, Whole, rows


def _names(row: Json, name: str) -> str:
    found = row.get(name)
    return ", ".join(one for one in found if isinstance(one, str)) if isinstance(found, list) else ""


@dataclass(frozen=True, slots=True)
class Door(Ownerless, Read):
    """A protocol, whether it is spoken, and its requests by outcome since the instances started."""

    door: Text
    open: Flag
    accepted: Whole
    refused: Whole
    limited: Whole
    failed: Whole
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.door

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return self.door.lower()


@dataclass(frozen=True, slots=True)
class DoorKey(Ownerless, Read):
    """A key of a door: the users it reaches, and its last use (unix seconds; none since the instances started)."""

    id: Text
    name: Text
    door: Text
    to: Annotated[str, _names]
    last_used: Moment
    expires_at: Moment
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.id

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.name} {self.door} {self.to}".lower()


@dataclass
class AllDoors:
    """Every door, and every key of one."""

    topics: tuple[str, ...] = ()
    interval: float = 5.0

    async def load(self, client: AdminClient) -> AsyncIterator[dict[str, list[Door] | list[DoorKey]]]:
        """All of both, in one go."""
        answer = await client.doors()
        yield {
            "doors": [Door.read(row) for row in rows(answer, "doors")],
            "keys": [DoorKey.read(row) for row in rows(answer, "keys")],
        }


def _count(name: str, title: str, tone: str = "") -> Column[Door]:
    def value(row: Door) -> int:
        found: int = getattr(row, name)
        return found

    return Column(
        name,
        title,
        lambda row: humanise.count(value(row)),
        value,
        8,
        right=True,
        largest_first=True,
        tone=lambda row: tone if value(row) else "dim",
    )


def _is_open(row: Door) -> str:
    return "open" if row.open else "shut"


DOORS: tuple[Column[Door], ...] = (
    Column("door", "Door", lambda row: row.door, lambda row: row.door, 8, flex=1),
    Column("open", "", _is_open, lambda row: row.open, 5, tone=lambda row: "" if row.open else "dim"),
    _count("accepted", "Accepted"),
    _count("refused", "Refused"),
    _count("limited", "Limited", "warn"),
    _count("failed", "Failed", "bad"),
)
KEYS: tuple[Column[DoorKey], ...] = (
    Column("name", "Key", lambda row: row.name, lambda row: row.name, 12, flex=1),
    Column("door", "Door", lambda row: row.door, lambda row: row.door, 8),
    Column("to", "Reaches", lambda row: row.to, lambda row: row.to, 12, flex=2),
    Column(
        "last_used",
        "Used",
        lambda row: since(row.last_used),
        lambda row: -(row.last_used or 0),
        6,
        right=True,
    ),
    Column("ends", "Ends", lambda row: humanise.stamp(row.expires_at), lambda row: row.expires_at or 0, 19, rank=2),
)


def doors() -> Listing[Door]:
    """Doors by name."""
    return Listing(DOORS, lambda row: row.door, lambda row: row.haystack, "door")


def keys() -> Listing[DoorKey]:
    """Keys, the one used last first."""
    return Listing(KEYS, lambda row: row.id, lambda row: row.haystack, "last_used")
