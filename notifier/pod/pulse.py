"""The pulse of an instance: what it measures of itself once a second, from counters that run anyway."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from notifier.domain.problems import ProviderSign, Signs
from notifier.domain.talkers import Notebook
from notifier.duties.duty import Duty
from notifier.pod.store_state import StoreState
from notifier.store.redis.clock import StoreClock
from notifier.telemetry.metrics import Metrics
from notifier.telemetry.recent import RecentHistogram, RecentLag


class Pulse:
    """Figures of the last seconds, and the counts of the talkers."""

    def __init__(
        self,
        metrics: Metrics,
        store: StoreState,
        clock: StoreClock,
        notebook: Notebook,
        providers: Callable[[], Sequence[ProviderSign]],
        kafka_error: Callable[[], str | None],
        duties: Sequence[Duty],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._latency, self._redis = RecentHistogram(metrics.latency), RecentHistogram(metrics.redis)
        self._lag = RecentLag()
        self._observe_lag = metrics.loop_lag.observe
        self._store = store
        self._clock = clock
        self._notebook = notebook
        self._providers = providers
        self._kafka_error = kafka_error
        self._duties = duties
        self._monotonic = monotonic

    def tick(self) -> None:
        """Moves on by a second."""
        self._latency.tick()
        self._redis.tick()
        self._notebook.count(self._monotonic())

    def note_lag(self, seconds: float) -> None:
        """Notes how late the event loop was."""
        self._observe_lag(seconds)
        self._lag.note(seconds)

    def measure(self) -> Signs:
        """The signs at this moment."""
        store = self._store
        return Signs(
            store_up=store.up,
            refusal=store.refusal,
            disk_full=store.disk_full,
            disk_low=store.disk_low,
            unsafe=store.unsafe(),
            store_p99=self._redis.quantile(0.99),
            loop_lag=self._lag.value,
            push_p99=self._latency.quantile(0.99),
            clock_skew=self._clock.skew(),
            kafka=self._kafka_error(),
            providers=self._providers(),
            failing=self._failing(),
        )

    def rates(self) -> Mapping[str, float]:
        """Notifications a second of the busiest sources."""
        return self._notebook.talkers.rates(3, self._monotonic())

    def top(self, minutes: int) -> dict[str, dict[str, int]]:
        """The most frequent names of each kind on this instance, over 1 or 15 minutes."""
        return self._notebook.talkers.top(minutes, 50, self._monotonic())

    def _failing(self) -> dict[str, str]:
        return {duty.name: duty.last_error for duty in self._duties if duty.last_error is not None}
