"""Warnings and errors of a process that serves nobody, as text that another process reads and tells on."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

KEPT = 50  # lines; older ones go
MAX_TEXT = 300  # characters

# Attributes of every record; what else there is belongs to the line.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Line(NamedTuple):
    """A log line: its number, counted from 1 for each process, Unix seconds, and who said it."""

    number: int
    at: float
    by: str
    level: str
    event: str
    text: str


_decode = msgspec.json.Decoder(list[Line]).decode


class Lines(logging.Handler):
    """Keeps the newest lines of a process and hands them, encoded, to `publish`."""

    def __init__(self, by: str, before: bytes, publish: Callable[[bytes], None]) -> None:
        """`before` is the text of a predecessor: its numbers go on."""
        super().__init__(logging.WARNING)
        self._by = by
        self._lines = deque(lines_in(before), KEPT)
        self._publish = publish

    def emit(self, record: logging.LogRecord) -> None:
        """Takes over a record."""
        number = self._lines[-1].number + 1 if self._lines else 1
        said = (level_of(record), record.getMessage()[:MAX_TEXT], text_of(facts_of(record)))
        self._lines.append(Line(number, record.created, self._by, *said))
        self._publish(msgspec.json.encode(list(self._lines)))


def lines_in(text: bytes) -> list[Line]:
    """The lines of a published text, the oldest first; none where nothing was published yet."""
    return _decode(text) if text else []


def newer(lines: Iterable[Line], number: int) -> list[Line]:
    """The lines after that number."""
    return [line for line in lines if line.number > number]


def level_of(record: logging.LogRecord) -> str:
    """`error` for errors and worse, else `warning`."""
    return "error" if record.levelno >= logging.ERROR else "warning"


def facts_of(record: logging.LogRecord) -> dict[str, object]:
    """The facts that came with a record."""
    return {name: value for name, value in vars(record).items() if name not in _USUAL}


def text_of(facts: Mapping[str, object]) -> str:
    """Facts as one line: `name=value name=value`."""
    return " ".join(f"{name}={value}" for name, value in facts.items())[:MAX_TEXT]
