"""Figures of each minute: of this instance as it runs, and of all instances as a series."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from notifier.domain.times import format_time
from notifier.store.delivery_records import Queues
from notifier.store.history import History, Kept
from notifier.telemetry.metrics import SECONDS, Metrics, quantile_of

Series = dict[str, list[float | None]]


class Minute(msgspec.Struct):
    """An instance's figures of one minute: counts within it, and how it stood at its end.

    `latency` and `redis` count pushes and replies by bucket; `channels` counts deliveries sent and failed; `queued`,
    `held` and `dead` are the cluster's, which every instance sees.
    """

    connections: int = 0
    accepted: int = 0
    pushed: int = 0
    acked: int = 0
    latency: list[int] = []
    redis: list[int] = []
    loop_lag: float = 0.0
    queued: int = 0
    held: int = 0
    dead: int = 0
    channels: dict[str, tuple[int, int]] = {}


_decode = msgspec.msgpack.Decoder(Minute).decode


class Counters(NamedTuple):
    """Counters that only grow, at one moment."""

    accepted: int
    pushed: int
    acked: int
    latency: Sequence[int]
    redis: Sequence[int]
    deliveries: Mapping[tuple[str, ...], int]


def counters_of(metrics: Metrics) -> Counters:
    """The present values."""
    return Counters(
        metrics.sent,
        metrics.pushed,
        metrics.acked,
        tuple(metrics.latency.counts),
        tuple(metrics.redis.counts),
        dict(metrics.labelled["deliveries"]),
    )


class Minutes:
    """This instance's current minute."""

    def __init__(self, metrics: Metrics, connections: Callable[[], int], queues: Callable[[], Queues | None]) -> None:
        self._metrics = metrics
        self._connections = connections
        self._queues = queues
        self._minute = -1
        self._begun = self._last = counters_of(metrics)
        self._lag = 0.0

    def note_lag(self, seconds: float) -> None:
        """Notes how late the event loop was; the minute's worst is kept."""
        self._lag = max(self._lag, seconds)

    def read(self, minute: int) -> bytes:
        """The figures of the minute so far; a new one begins with the first call that names it."""
        if minute != self._minute:  # what came since the last call counts for the new one, rather than for none
            self._minute, self._lag, self._begun = minute, 0.0, self._last
        begun, now = self._begun, counters_of(self._metrics)
        self._last = now
        found = Minute(
            connections=self._connections(),
            accepted=now.accepted - begun.accepted,
            pushed=now.pushed - begun.pushed,
            acked=now.acked - begun.acked,
            latency=_difference(now.latency, begun.latency),
            redis=_difference(now.redis, begun.redis),
            loop_lag=self._lag,
            channels=_by_channel(now.deliveries, begun.deliveries),
        )
        return msgspec.msgpack.encode(self._with_queues(found))

    def _with_queues(self, minute: Minute) -> Minute:
        queues = self._queues()
        if queues is not None:
            minute.queued = sum(sum(queue.waiting.values()) for queue in queues.channels)
            minute.held = sum(sum(queue.held.values()) for queue in queues.channels)
            minute.dead = queues.dead
        return minute


def _difference(now: Sequence[int], begun: Sequence[int]) -> list[int]:
    return [a - b for a, b in zip(now, begun, strict=True)]


def _by_channel(now: Mapping[tuple[str, ...], int], begun: Mapping[tuple[str, ...], int]) -> dict[str, tuple[int, int]]:
    channels = {labels[0] for labels in now}
    sent = {channel: _grown(now, begun, (channel, "sent")) for channel in channels}
    failed = {channel: _grown(now, begun, (channel, "failed")) for channel in channels}
    return {channel: (sent[channel], failed[channel]) for channel in channels if sent[channel] or failed[channel]}


def _grown(now: Mapping[tuple[str, ...], int], begun: Mapping[tuple[str, ...], int], labels: tuple[str, ...]) -> int:
    return now.get(labels, 0) - begun.get(labels, 0)


class HistoryReport:
    """Series over the last minutes, summed over the instances."""

    def __init__(
        self, history: History, marks: Callable[[float], Awaitable[list[dict[str, Any]]]], now: Callable[[], float]
    ) -> None:
        """`marks` answers the notable events since a moment; `now` is Redis' time in Unix seconds."""
        self._history = history
        self._marks = marks
        self._now = now

    async def read(self, minutes: int) -> dict[str, Any]:
        """The fields of `MetricsHistory`; raises `NotifierError(unavailable)`."""
        last = int(self._now() / 60)
        first = last - minutes + 1
        kept = by_minute(await self._history.read(first, last))
        return {
            "from": format_time(first * 60),
            "series": series_of([kept.get(minute, ()) for minute in range(first, last + 1)]),
            "marks": await self._marks(first * 60),
        }

    async def dead_last_hour(self) -> dict[str, int]:
        """Deliveries of each channel that failed for good within the last 60 minutes."""
        last = int(self._now() / 60)
        found: dict[str, int] = {}
        for minutes in by_minute(await self._history.read(last - 59, last)).values():
            for minute in minutes:
                for channel, (_, failed) in minute.channels.items():
                    found[channel] = found.get(channel, 0) + failed
        return found


def by_minute(kept: Iterable[Kept]) -> dict[int, list[Minute]]:
    """The figures by minute; another version's, which cannot be read, are left out."""
    found: dict[int, list[Minute]] = {}
    for minute, _, data in kept:
        try:
            found.setdefault(minute, []).append(_decode(data))
        except msgspec.MsgspecError:
            continue
    return found


def series_of(minutes: Sequence[Sequence[Minute]]) -> Series:
    """A value for each minute and name; None for a minute of which no instance wrote."""
    rows = [_row(found) if found else {} for found in minutes]
    return {name: [row.get(name) for row in rows] for name in NAMES}


COUNTED = ("connections", "accepted", "pushed", "acked")
OF_ALL = ("queued", "held", "dead")  # which every instance sees
NAMES = (*COUNTED, "sent", "failed", *OF_ALL, "p99_ms", "loop_lag_ms", "store_ms")


def _row(found: Sequence[Minute]) -> dict[str, float | None]:
    totals = [pair for minute in found for pair in minute.channels.values()]
    row: dict[str, float | None] = {name: sum(getattr(minute, name) for minute in found) for name in COUNTED}
    row |= {name: max(getattr(minute, name) for minute in found) for name in OF_ALL}
    return row | {
        "sent": sum(sent for sent, _ in totals),
        "failed": sum(failed for _, failed in totals),
        "p99_ms": _p99([minute.latency for minute in found]),
        "store_ms": _p99([minute.redis for minute in found]),
        "loop_lag_ms": round(max(minute.loop_lag for minute in found) * 1000, 1),
    }


def _p99(counts: Sequence[Sequence[int]]) -> float | None:
    total = [sum(column) for column in zip(*(row for row in counts if row), strict=False)]
    return round(quantile_of(SECONDS, total, 0.99) * 1000, 2) if sum(total) else None
