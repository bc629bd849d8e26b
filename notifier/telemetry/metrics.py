"""Metrics of one instance: counters, gauges and histograms as plain numbers, and their families for Prometheus."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from notifier.telemetry.tally import Buckets, SharedTally, Tally

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """Counts of observations by upper bound. Plain integers: prometheus-client's own costs 2 µs an observation."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Counts `value`, `times` times over."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def tally(self) -> Buckets:
        """The observations as numbers that can be added up."""
        return Buckets(list(self.counts), self.sum)


def cumulate(counts: Sequence[int], scale: float = 1.0) -> list[tuple[str, float]]:
    """Cumulative buckets as Prometheus wants them, of counts by `SECONDS`; bounds times `scale`."""
    total, rows = 0, []
    for bound, count in zip((*SECONDS, float("inf")), counts, strict=True):
        total += count
        rows.append(("+Inf" if bound == float("inf") else f"{bound * scale:g}", float(total)))
    return rows


def quantile_of(bounds: Sequence[float], counts: Sequence[int], share: float) -> float:
    """The value below which `share` (0 … 1) of the observations lie, interpolated within its bucket; 0 if none.

    `counts` may be the sum of several histograms with the same `bounds`.
    """
    total = sum(counts)
    wanted, passed, lower = total * share, 0, 0.0
    for bound, count in zip((*bounds, bounds[-1]), counts, strict=True):
        if count and passed + count >= wanted:
            return lower + (bound - lower) * (wanted - passed) / count
        passed += count
        lower = bound
    return 0.0


COUNTERS = {
    "sent": ("notifications_sent", "Notifications accepted and stored, once per recipient"),
    "pushed": ("notifications_pushed", "Frames with a notification written to sockets"),
    "acked": ("notifications_acked", "Notifications marked read"),
    "auto_cleared": ("notifications_auto_cleared", "Notifications that expired unread"),
    "trimmed": ("notifications_trimmed", "Unread notifications that were no longer among the newest of their inbox"),
    "processed_messages": ("deliveries_processed", "Deliveries that ended sent, failed or expired"),
    "failed_messages": ("deliveries_failed", "Deliveries that ended in the dead-letter queue"),
    "rate_limited_messages": ("deliveries_rate_limited", "Deliveries that a limit deferred or dropped"),
}
LABELLED = {
    "door_requests": ("Requests by other programs' protocols, by what came of them", ("door", "outcome")),
    "deliveries": ("Deliveries by the status that they took", ("channel", "status")),
    "inbox_marks": ("Notifications whose state their user changed, by the mark", ("as",)),
    "inbox_updates": ("Notifications that their sender changed or took back, or that came back", ("kind",)),
    "rate_limited": ("Deliveries that a limit deferred or dropped", ("channel",)),
    "spoilt_values": ("Values in Redis that could not be read, by the kind that was expected", ("kind",)),
}
LABELLED_HISTOGRAMS = {"delivery_attempt_seconds": ("Tries through a provider", ("channel", "provider"))}
LABELLED_GAUGES = {
    "queue_depth": ("Deliveries that wait", ("channel", "priority")),
    "circuit_state": ("0 closed, 1 half open, 2 open", ("provider",)),
    "circuit_hosts": ("Recipients' hosts whose circuits are not closed", ("provider",)),
}


class Metrics:
    """Counters, gauges and histograms of one instance. Those named in `COUNTERS` are plain integer attributes."""

    def __init__(self) -> None:
        self.sent = 0
        self.pushed = 0
        self.acked = 0
        self.auto_cleared = 0
        self.trimmed = 0
        self.processed_messages = 0
        self.failed_messages = 0
        self.rate_limited_messages = 0
        self.labelled: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in LABELLED}
        self.labelled_histograms: dict[str, dict[tuple[str, ...], Histogram]] = {n: {} for n in LABELLED_HISTOGRAMS}
        self.labelled_gauges: dict[str, Callable[[], dict[tuple[str, ...], float]]] = {}
        self.duty_failures: dict[str, int] = {}
        self.latency = Histogram()
        self.redis = Histogram()
        self.loop_lag = Histogram()
        self.requests: dict[tuple[str, str, str], Histogram] = {}
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.gauge_rules: dict[str, Callable[[float, float], float]] = {}
        self.info: Mapping[str, str] = {}
        self._reported: dict[str, int] = dict.fromkeys(COUNTERS, 0)

    def count_push(self, frames: int, seconds: float) -> None:
        """Counts pushes; `seconds` since acceptance, negative for those that are no live delivery."""
        self.pushed += frames
        if seconds >= 0:
            self.latency.observe(seconds, frames)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request under its route's pattern, never its path."""
        key = (route, method, str(status))
        histogram = self.requests.get(key)
        if histogram is None:
            histogram = self.requests[key] = Histogram()
        histogram.observe(seconds)

    def count(self, name: str, *labels: str) -> None:
        """Counts one under a name of `LABELLED`."""
        rows = self.labelled[name]
        rows[labels] = rows.get(labels, 0) + 1

    def observe_attempt(self, channel: str, provider: str, seconds: float) -> None:
        """Notes how long a try through a provider took."""
        rows = self.labelled_histograms["delivery_attempt_seconds"]
        histogram = rows.get((channel, provider))
        if histogram is None:
            histogram = rows[channel, provider] = Histogram()
        histogram.observe(seconds)

    def count_duty_failure(self, duty: str) -> None:
        """Counts an error that a background duty survived."""
        self.duty_failures[duty] = self.duty_failures.get(duty, 0) + 1

    def gauge(
        self,
        name: str,
        text: str,
        read: Callable[[], float],
        together: Callable[[float, float], float] | None = None,
    ) -> None:
        """A value that is read at every scrape; `together` makes one of two workers' values (None: the sum)."""
        self.gauges[name] = (text, read)
        if together is not None:
            self.gauge_rules[name] = together

    def since_last(self) -> dict[str, int]:
        """Counts since the last call of `reported`; for the cluster's totals."""
        return {name: getattr(self, name) - self._reported[name] for name in COUNTERS}

    def reported(self, counts: Mapping[str, int]) -> None:
        """Notes that these counts have reached the cluster's totals."""
        for name, count in counts.items():
            self._reported[name] += count

    def tally(self) -> Tally:
        """The present values, as plain numbers."""
        return Tally(
            os.getpid(),
            time.monotonic(),
            {name: getattr(self, name) for name in COUNTERS},
            dict(self.duty_failures),
            {name: getattr(self, name).tally() for name in ("latency", "redis", "loop_lag")},
            {key: histogram.tally() for key, histogram in self.requests.items()},
            {name: float(read()) for name, (_, read) in self.gauges.items()},
            labelled={name: dict(rows) for name, rows in self.labelled.items()},
            labelled_histograms={
                name: {labels: histogram.tally() for labels, histogram in rows.items()}
                for name, rows in self.labelled_histograms.items()
            },
            labelled_gauges={name: read() for name, read in self.labelled_gauges.items()},
        )

    def families(self, tally: Tally) -> Iterator[Metric]:
        """The families of `/metrics`, with the numbers of a tally."""
        for name, (family, text) in COUNTERS.items():
            yield CounterMetricFamily(family, text, value=tally.counts[name])
        for name, value in tally.gauges.items():
            yield GaugeMetricFamily(name, self.gauges[name][0], value=value)
        yield from _histograms(tally)
        yield from _labelled(tally)
        failures = CounterMetricFamily("worker_failures", "Errors that background duties survived", labels=["worker"])
        for worker, count in tally.failures.items():
            failures.add_metric([worker], count)
        yield failures
        yield InfoMetricFamily("notifier_build", "The program", value=dict(self.info))


def _histograms(tally: Tally) -> Iterator[Metric]:
    latency, redis, lag = (tally.histograms[name] for name in ("latency", "redis", "loop_lag"))
    text = "From acceptance to the write to the socket"
    yield HistogramMetricFamily("delivery_latency_ms", text, cumulate(latency.counts, 1000), latency.sum * 1000)
    yield HistogramMetricFamily("delivery_latency_seconds", text, cumulate(latency.counts), latency.sum)
    text = "From a command to its reply"
    yield HistogramMetricFamily("redis_command_seconds", text, cumulate(redis.counts), redis.sum)
    yield HistogramMetricFamily("event_loop_lag_seconds", "How late the event loop was", cumulate(lag.counts), lag.sum)
    requests = HistogramMetricFamily("http_request_seconds", "Requests", labels=["route", "method", "status"])
    for key, histogram in tally.requests.items():
        requests.add_metric(key, cumulate(histogram.counts), histogram.sum)
    yield requests


def _labelled(tally: Tally) -> Iterator[Metric]:
    for name, (text, labels) in LABELLED.items():
        counter = CounterMetricFamily(name, text, labels=labels)
        for values, count in tally.labelled.get(name, {}).items():
            counter.add_metric(values, count)
        yield counter
    for name, (text, labels) in LABELLED_HISTOGRAMS.items():
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for values, buckets in tally.labelled_histograms.get(name, {}).items():
            histogram.add_metric(values, cumulate(buckets.counts), buckets.sum)
        yield histogram
    for name, (text, labels) in LABELLED_GAUGES.items():
        gauge = GaugeMetricFamily(name, text, labels=labels)
        for values, value in tally.labelled_gauges.get(name, {}).items():
            gauge.add_metric(values, value)
        yield gauge


class ProcessFigures:
    """Figures of the kernel about this process: CPU, memory, descriptors."""

    MAX_AGE = 5.0  # seconds; with thousands of sockets, counting descriptors takes milliseconds

    def __init__(self) -> None:
        from prometheus_client.process_collector import ProcessCollector

        self._collector = ProcessCollector(registry=None)
        self._read_at = float("-inf")
        self._values: dict[str, float] = {}

    def read(self) -> dict[str, float]:
        """The values by name, at most five seconds old."""
        if time.monotonic() - self._read_at > self.MAX_AGE:
            samples = (sample for family in self._collector.collect() for sample in family.samples)
            self._values = {sample.name: sample.value for sample in samples}
            self._read_at = time.monotonic()
        return dict(self._values)

    def families(self, values: Mapping[str, float]) -> Iterator[Metric]:
        """The families with other values than this process' own."""
        for family in self._collector.collect():
            family.samples = [s._replace(value=values.get(s.name, s.value)) for s in family.samples]
            yield family


def registry(metrics: Metrics, shared: SharedTally | None, figures: ProcessFigures) -> CollectorRegistry:
    """A registry that shows these metrics and the process they come from; with `shared`, those of all workers."""
    from prometheus_client.platform_collector import PlatformCollector

    result = CollectorRegistry(auto_describe=False)
    result.register(_Families(metrics, shared, figures))
    PlatformCollector(registry=result)
    return result


class _Families:
    def __init__(self, metrics: Metrics, shared: SharedTally | None, figures: ProcessFigures) -> None:
        self._metrics = metrics
        self._shared = shared
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        tally = self._shared.total(self._metrics.gauge_rules) if self._shared else self._metrics.tally()
        yield from self._metrics.families(tally)
        yield from self._figures.families(tally.process)
