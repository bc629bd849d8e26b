"""The errors of a request, gathered: the first hundred bad fields are named, the others counted.

A megabyte can hold a hundred thousand bad fields: naming them all took seconds in which nobody else was served, and the
answer was five times as large as the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import islice
from typing import Any

from notifier.errors import ErrorCode, FieldError, NotifierError

MAX_NAMED = 100
MAX_SHOWN = 64  # characters of a field's name


class Faults:
    """The bad fields of one request; true when there is one."""

    __slots__ = ("_most", "_named", "count")

    def __init__(self, most: int = MAX_NAMED) -> None:
        """`most` are named."""
        self._most = most
        self._named: list[FieldError] = []
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, path: str, message: str) -> None:
        """Notes a bad field."""
        self.count += 1
        if len(self._named) < self._most:
            self._named.append(FieldError(path, message))

    def add_unknown(self, fields: Mapping[str, Any], known: Set[str], prefix: str = "") -> None:
        """Notes every field that is not known; `prefix` stands before their names."""
        unknown = fields.keys() - known
        self.count += len(unknown)
        room = self._most - len(self._named)
        if unknown and room > 0:
            names = islice((name for name in fields if name in unknown), room)
            self._named += [FieldError(f"{prefix}{shown(name)}", "unknown field") for name in names]

    def add_all(self, others: Faults, names: Mapping[str, str]) -> None:
        """Notes what others have noted, under other names where `names` has some."""
        room = self._most - len(self._named)
        self.count += others.count
        self._named += [FieldError(names.get(path, path), message) for path, message in others._named[:room]]

    def add_within(self, others: Faults, place: str) -> None:
        """Notes what others have noted of an object at a place such as `notifications[3]`."""
        self.add_all(others, {path: f"{place}.{path}" if path else place for path, _ in others._named})

    def listed(self) -> list[FieldError]:
        """Those that are named, and how many more there are."""
        more = self.count - len(self._named)
        return [*self._named, FieldError("", f"{more} more")] if more else self._named


def invalid(faults: Faults) -> NotifierError:
    """The error of fields that are not valid."""
    count = faults.count
    message = f"{count} field{'s are' if count != 1 else ' is'} not valid"
    return NotifierError(ErrorCode.INVALID, message, errors=faults.listed())


def no_object(faults: Faults | None = None) -> NotifierError:
    """The error of a body that is no JSON object, beside what was found before."""
    faults = faults or Faults()
    faults.add("", "must be a JSON object")
    return invalid(faults)


def shown(name: object) -> str:
    """A field's name from outside, short and free of what no answer may hold."""
    return "".join(char if char.isprintable() else "?" for char in str(name)[:MAX_SHOWN])
