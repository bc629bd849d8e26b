"""Figures of the last seconds, from counters that go on for ever: one snapshot a second, the differences between them.

Nothing is added where things are counted: a reader of the counters pays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from notifier.telemetry.metrics import Histogram, quantile_of

LEAST, OUTLIERS = 5, 2  # observations that say something, and those of them that are left out
SECONDS = 5  # a cure shows within as many, and one hiccup is forgotten


class RecentHistogram:
    """The observations of a histogram within the last seconds."""

    def __init__(self, histogram: Histogram, seconds: int = SECONDS) -> None:
        self._histogram = histogram
        self._past: deque[Sequence[int]] = deque([tuple(histogram.counts)], maxlen=seconds + 1)

    def tick(self) -> None:
        """Takes a snapshot; called once a second."""
        self._past.append(tuple(self._histogram.counts))

    @property
    def counts(self) -> list[int]:
        """Observations by bucket."""
        return [new - old for new, old in zip(self._past[-1], self._past[0], strict=True)]

    def quantile(self, share: float) -> float | None:
        """The value below which `share` of the observations lie, the two largest left out; None of fewer than five.

        Of few observations one alone would else be their 99th percentile, and a hiccup a problem."""
        counts = self.counts
        total = sum(counts)
        if total < LEAST:
            return None
        return quantile_of(self._histogram.bounds, counts, min(share, 1 - OUTLIERS / total))


class RecentLag:
    """The lateness of the event loop in the last seconds. One late turn alone is none: the second largest counts."""

    def __init__(self, seconds: int = SECONDS) -> None:
        self._past: deque[float] = deque(maxlen=seconds)

    def note(self, seconds: float) -> None:
        """Notes one measurement; there is one a second."""
        self._past.append(seconds)

    @property
    def value(self) -> float | None:
        """Seconds; None before the second measurement."""
        return sorted(self._past)[-2] if len(self._past) > 1 else None


class RecentCounts:
    """The growth of each labelled count within the last seconds."""

    def __init__(self, counts: Mapping[tuple[str, ...], int], seconds: int) -> None:
        self._counts = counts
        self._past: deque[dict[tuple[str, ...], int]] = deque([dict(counts)], maxlen=seconds + 1)

    def tick(self) -> None:
        """Takes a snapshot; called once a second."""
        self._past.append(dict(self._counts))

    def grown(self, seconds: int) -> dict[tuple[str, ...], int]:
        """The growth within the last `seconds`, by labels."""
        before = self._past[max(0, len(self._past) - seconds)]
        return {labels: count - before.get(labels, 0) for labels, count in self._counts.items()}
