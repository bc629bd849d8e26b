"""Passes librdkafka's messages to the program's log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

AGAIN_AFTER = 30.0  # seconds: a broker that is away is tried, and complained of, many times a second
MAX_LINE = 500

log = logging.getLogger("notifier.kafka")


class ClientLog:
    """Passes on the first line of a kind, and one more every half minute. librdkafka's client calls it as it would a
    `logging.Logger`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}  # by kind, of which librdkafka has some dozens

    def log(self, level: int, form: str, *parts: object) -> None:
        """A line of librdkafka's: `parts` are its kind, the client's name and the text."""
        self.say(level, str(parts[0] if parts else form), str(parts[-1] if parts else form))

    def say(self, level: int, kind: str, text: str) -> None:
        """A line of a kind."""
        now = self._clock()
        if now - self._said.get(kind, float("-inf")) >= AGAIN_AFTER:
            self._said[kind] = now
            log.log(level, "kafka.client", extra={"kind": kind, "line": text[:MAX_LINE]})
