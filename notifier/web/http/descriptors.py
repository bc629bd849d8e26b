"""The bound on connections by open files (RLIMIT_NOFILE): new ones are refused before the last descriptor is gone.

The kernel gives each new file the lowest free number. So the number that a next one would get tells, without counting,
how many are open, whatever they are: what is kept back above it is for the store, its restart, logs and providers.
Without a reserve `accept` fails, and libuv then resets what it accepts without a word (uv__emfile_trick).
"""

from __future__ import annotations

import logging
import os
import resource
import time
from enum import Enum

from notifier.domain.seldom import Seldom

RESERVE = 64  # descriptors
SHARE = 4  # the reserve is at most this part of the limit
_STANDARD_ERROR = 2
LINES = 10.0  # seconds between two lines in the log

log = logging.getLogger("notifier.web")


class Admission(Enum):
    """`TURN_AWAY`: answered 503; `DROP`: ended at once, for an answer would take a descriptor for two seconds."""

    ADMIT = 1
    TURN_AWAY = 2
    DROP = 3


class Descriptors:
    """Refuses new connections while open files are near their limit."""

    def __init__(self, limit: int | None = None) -> None:
        """`limit` replaces this process' own."""
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if limit is None else limit
        self.limit = 1 << 30 if soft == resource.RLIM_INFINITY else soft
        reserve = min(RESERVE, self.limit // SHARE)
        self._turn_away_from = self.limit - reserve
        self._drop_from = self.limit - reserve // 2
        self._seldom = Seldom(LINES)
        self.refused = 0

    def admit(self) -> Admission:
        """Takes or refuses a connection that was just accepted; refusals are counted and logged."""
        number = self._next_number()
        if number < self._turn_away_from:
            return Admission.ADMIT
        self.refused += 1
        more = self._seldom.allows(time.monotonic())
        if more is not None:
            cure = "ulimit -n, or LimitNOFILE= in a systemd unit, or more instances"
            facts = {"limit": self.limit, "reserve": self.limit - self._turn_away_from, "more": more, "cure": cure}
            log.error("connections.refused", extra=facts)
        return Admission.TURN_AWAY if number < self._drop_from else Admission.DROP

    def _next_number(self) -> int:
        # Not the socket's own, which uvloop tells only through an object that it keeps for each connection.
        try:
            descriptor = os.dup(_STANDARD_ERROR)
        except OSError:  # EMFILE, ENFILE
            return self.limit
        os.close(descriptor)
        return descriptor


def raise_limit() -> None:
    """Raises the limit on open files to the hard limit, for this process and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # a hard limit above fs.nr_open
        log.warning("files.limit_kept", extra={"limit": soft, "error": str(error)})
