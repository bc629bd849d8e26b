"""Name, version and age of this instance."""

from __future__ import annotations

import time
from typing import NamedTuple

from notifier import __version__


class Identity(NamedTuple):
    """One instance: `POD_ID` (with `-N` for a worker), and the Unix time of its start."""

    pod: str
    started_at: float
    version: str = __version__

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return time.time() - self.started_at
