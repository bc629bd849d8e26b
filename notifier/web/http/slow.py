"""A line in the log for requests that took long: by their id, never by their query."""

from __future__ import annotations

import logging
import time

from notifier.domain.seldom import Seldom

SLOW, SLOW_LINES = 1.0, 1.0  # seconds from which a request is slow, and between lines that say so

log = logging.getLogger("notifier.web")


class SlowRequests:
    """Logs slow requests, and how many more there were than lines."""

    def __init__(self) -> None:
        self._seldom = Seldom(SLOW_LINES)

    def look(self, route: str, method: str, status: int, seconds: float, request_id: str) -> None:
        """Logs a request that took so many seconds, where that is long."""
        if seconds <= SLOW:
            return
        kept_back = self._seldom.allows(time.monotonic())
        if kept_back is not None:
            facts = {"route": route, "method": method, "status": status, "seconds": round(seconds, 3)}
            log.warning("request.slow", extra={**facts, "request_id": request_id, "more": kept_back})
