"""Warnings and errors of this instance's log as events, for those who follow from afar."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from notifier.live.events import EventFeed

MAX_TEXT = 300  # characters
PER_SECOND = 20  # lines of a second that become events; a storm is told by the number of those left out

# Attributes of every record; what else there is belongs to the line.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogEvents(logging.Handler):
    """Emits `log` events with `level`, `event`, `instance` and `text`."""

    def __init__(self, feed: EventFeed, pod: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._feed = feed
        self._pod = pod
        self._clock = clock
        self._second = 0
        self._told = self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        if not self._may_tell():
            self._left_out += 1
            return
        facts = {name: value for name, value in vars(record).items() if name not in _USUAL}
        if self._left_out:
            facts["left_out"], self._left_out = self._left_out, 0
        level = "error" if record.levelno >= logging.ERROR else "warning"
        said = {"level": level, "event": record.getMessage()[:MAX_TEXT], "instance": self._pod, "text": _text(facts)}
        self._feed.note("log", said)

    def _may_tell(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        return self._told <= PER_SECOND


def _text(facts: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in facts.items())[:MAX_TEXT]
