"""Waits before a failed delivery is tried again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

JITTER = 0.2  # share by which a wait is shorter or longer, so that what failed together does not come back together
LONGEST = 86400.0


class RetryPolicy(NamedTuple):
    """`backoff` is the waits in seconds before the first, second, … retry, the last of which serves all further ones;
    where `doubling` is set, it is the first wait of a series that doubles, in place of them."""

    backoff: Sequence[float]
    doubling: float | None = None

    def wait(self, retries: int, retry_after: float | None, uniform: Callable[[float, float], float]) -> float:
        """Seconds until the next try of a delivery that was retried `retries` times before.

        `retry_after` is the provider's wish, which is never undercut. `uniform(low, high)` is the source of chance.
        """
        if self.doubling is not None:
            base = self.doubling * 2.0 ** min(retries, 20)
        else:
            base = self.backoff[min(retries, len(self.backoff) - 1)]
        wait = min(LONGEST, base) * uniform(1 - JITTER, 1 + JITTER)
        return max(wait, min(LONGEST, retry_after)) if retry_after is not None else wait
