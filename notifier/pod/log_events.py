"""Warnings and errors of this instance's log as events, for those who follow from afar; and those of the processes
beside it that serve nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from notifier.live.events import EventFeed
from notifier.telemetry.lines import MAX_TEXT, Line, facts_of, level_of, text_of

PER_SECOND = 20  # lines of a second that become events; a storm is told by the number of those left out


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
        facts = facts_of(record)
        if self._left_out:
            facts["left_out"], self._left_out = self._left_out, 0
        self._note(level_of(record), record.getMessage()[:MAX_TEXT], self._pod, text_of(facts))

    def tell(self, lines: Iterable[Line]) -> None:
        """Emits lines of other processes of this machine, with their own times."""
        for line in lines:
            self._note(line.level, line.event, line.by, line.text, max(0.0, time.time() - line.at))

    def _note(self, level: str, event: str, instance: str, text: str, ago: float = 0.0) -> None:
        self._feed.note("log", {"level": level, "event": event, "instance": instance, "text": text}, ago)

    def _may_tell(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        return self._told <= PER_SECOND
