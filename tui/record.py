"""Records read from JSON: the annotation of a field names its reader. Readers take any JSON and never raise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Self, get_type_hints

Json = Mapping[str, Any]
Readers = tuple[tuple[str, Callable[[Json], Any]], ...]
_YEAR_9999 = 253_402_300_799.0
_known: dict[type, Readers] = {}


class Row(NamedTuple):
    """Marks a field that is read from the whole object: `Annotated[UserKey, Row(user_of)]`."""

    read: Callable[[Json], Any]


def _all(row: Json) -> Json:
    return row


class Read:
    """Base of the records, which are dataclasses.

    `Annotated[int, whole]` reads the member of the field's name, `Annotated[int, whole, "retries"]` that of another.
    """

    __slots__ = ()

    @classmethod
    def read(cls, row: Json, **given: Any) -> Self:
        """Reads every field from a JSON object; a field that is `given` is taken as it is."""
        return cls(**given, **{name: read(row) for name, read in _readers(cls) if name not in given})


def _readers(cls: type[Read]) -> Readers:
    if cls not in _known:
        hints = get_type_hints(cls, include_extras=True)
        _known[cls] = tuple((name, _reader(name, hint.__metadata__)) for name, hint in hints.items())
    return _known[cls]


def _reader(name: str, marks: tuple[Any, ...]) -> Callable[[Json], Any]:
    if isinstance(marks[0], Row):
        return marks[0].read
    read, member = marks[0], marks[1] if len(marks) > 1 else name
    return lambda row: read(row, member)


def rows(row: Json, name: str) -> list[Json]:
    """The objects in a list member; anything else in it is left out."""
    found = row.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text(row: Json, name: str) -> str:
    """A string member, or nothing."""
    found = row.get(name)
    return found if isinstance(found, str) else ""


def whole(row: Json, name: str) -> int:
    """A number member as an integer, or 0."""
    return int(number(row.get(name)) or 0)


def flag(row: Json, name: str) -> bool:
    """True where the member is `true`."""
    return row.get(name) is True


def number_in(row: Json, name: str) -> float | None:
    """A member that is a finite number, or None."""
    return number(row.get(name))


def moment_in(row: Json, name: str) -> float | None:
    """A member that is a time, in unix seconds, or None."""
    return moment(row.get(name))


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e18 and not math.isnan(value) else None


def moment(value: object) -> float | None:
    """Unix seconds of an RFC 3339 time or of a number, or None where it is neither."""
    seconds = _parsed(value) if isinstance(value, str) else number(value)
    return seconds if seconds is not None and 0 <= seconds <= _YEAR_9999 else None


def _parsed(value: str) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


Text = Annotated[str, text]
Whole = Annotated[int, whole]
Number = Annotated[float | None, number_in]
Moment = Annotated[float | None, moment_in]
Flag = Annotated[bool, flag]
Raw = Annotated[Json, Row(_all)]
