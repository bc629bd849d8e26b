"""Counts and gauges of a process, as plain numbers that can be added up over the workers of one machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec

STALE = 5.0  # seconds after which a silent worker is taken for gone: its counts stay, its gauges go


class Buckets(msgspec.Struct, array_like=True):
    """A histogram: observations per bucket, and their sum."""

    counts: list[int]
    sum: float

    def add(self, other: Buckets) -> None:
        """Adds the other's observations."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum


class Tally(msgspec.Struct):
    """Counts grow for ever, over a worker's death too; `gauges` say how it stands at `at` (monotonic seconds).

    `requests` goes by route, method and status; `process` holds the values of prometheus-client's process collector.
    What is `labelled` goes by name and then by the values of its labels; its gauges are figures of the cluster, which
    every worker sees, so that the largest one stands for all.
    """

    pid: int
    at: float
    counts: dict[str, int]
    failures: dict[str, int]
    histograms: dict[str, Buckets]
    requests: dict[tuple[str, str, str], Buckets]
    gauges: dict[str, float]
    process: dict[str, float] = {}
    labelled: dict[str, dict[tuple[str, ...], int]] = {}
    labelled_histograms: dict[str, dict[tuple[str, ...], Buckets]] = {}
    labelled_gauges: dict[str, dict[tuple[str, ...], float]] = {}

    def add_counts(self, other: Tally) -> None:
        """Adds the other's counts, not its gauges."""
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for name, count in other.failures.items():
            self.failures[name] = self.failures.get(name, 0) + count
        _add_buckets(self.histograms, other.histograms)
        _add_buckets(self.requests, other.requests)
        for name, rows in other.labelled.items():
            known = self.labelled.setdefault(name, {})
            for labels, count in rows.items():
                known[labels] = known.get(labels, 0) + count
        for name, histograms in other.labelled_histograms.items():
            _add_buckets(self.labelled_histograms.setdefault(name, {}), histograms)
        self._merge_process(other, only_counts=True)

    def add(self, other: Tally, rules: Mapping[str, Callable[[float, float], float]]) -> None:
        """Adds counts and gauges; `rules` says how a gauge is put together where that is not by adding."""
        self.add_counts(other)
        if self.at - other.at > STALE:
            return
        for name, value in other.gauges.items():
            merge = rules.get(name, _plus)
            self.gauges[name] = merge(self.gauges[name], value) if name in self.gauges else value
        for name, rows in other.labelled_gauges.items():
            known = self.labelled_gauges.setdefault(name, {})
            for labels, value in rows.items():
                known[labels] = max(known.get(labels, value), value)
        self._merge_process(other, only_counts=False)

    def _merge_process(self, other: Tally, only_counts: bool) -> None:
        for name, value in other.process.items():
            if name.endswith("_total") is only_counts:
                merge = PROCESS_RULES.get(name, _plus)
                self.process[name] = merge(self.process[name], value) if name in self.process else value


def _plus(a: float, b: float) -> float:
    return a + b


PROCESS_RULES: dict[str, Callable[[float, float], float]] = {
    "process_start_time_seconds": min,
    "process_max_fds": min,
}


K = TypeVar("K")


def _add_buckets(into: dict[K, Buckets], more: Mapping[K, Buckets]) -> None:
    for key, buckets in more.items():
        if key in into:
            into[key].add(buckets)
        else:
            into[key] = Buckets(list(buckets.counts), buckets.sum)


class Place(Protocol):
    """The place where tallies are exchanged: a worker's seat at the scoreboard."""

    def read_own(self) -> bytes: ...
    def publish(self, text: bytes) -> None: ...
    def read_others(self) -> tuple[list[bytes], list[bytes]]: ...


class SharedTally:
    """This worker's tally and those of its siblings.

    The predecessor's counts are taken over, and a tally is published before it is shown: so no count that was ever
    shown is lost with its worker, and totals never go back.
    """

    def __init__(self, place: Place, own: Callable[[], Tally], process: Callable[[], dict[str, float]]) -> None:
        """`own` counts since this process began; `process` reads what its kernel says of it."""
        self._place = place
        self._own = own
        self._process = process
        before = place.read_own()
        self._before = _decode(before) if before else None
        self._open = False

    def open(self) -> None:
        """Begins to publish: the worker serves, and its tally replaces its predecessor's."""
        self._open = True
        self.publish()

    def publish(self) -> Tally:
        """Writes this worker's tally to its slot, and returns it."""
        tally = self._own()
        tally.process = self._process()
        if self._before is not None:
            tally.add_counts(self._before)
        if self._open:
            self._place.publish(_encode(tally))
        return tally

    def total(self, rules: Mapping[str, Callable[[float, float], float]]) -> Tally:
        """All workers together; the others as of their last round, up to a second ago."""
        own = self.publish()
        total = Tally(own.pid, own.at, {}, {}, {}, {}, {})
        before, after = self._place.read_others()
        # In the order of their places, whichever worker is asked: a sum of floats depends on it, and a counter that
        # goes back by its last digit is one that was reset, to Prometheus.
        for tally in (*map(_decode, before), own, *map(_decode, after)):
            total.add(tally, rules)
        return total


def pid_of(text: bytes) -> int:
    """The process that wrote a tally; 0 for none."""
    return msgspec.msgpack.decode(text, type=_Writer).pid if text else 0


class _Writer(msgspec.Struct):
    pid: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Tally).decode
