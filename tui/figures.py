"""The cluster's figures over time: counts, rates made of them, latencies, health."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from tui.record import Json, Read, Row, Text, Whole, number_in, text, whole

SAMPLES_MAX = 300
RATE_OVER = 5.0  # seconds: instances report their counts in lumps, and a rate over one second would jump
COUNTERS = ("sent", "pushed", "acked", "auto_cleared")


def _counters(row: Json) -> tuple[int, ...]:
    return tuple(whole(row, name) for name in COUNTERS)


def _quantile(row: Json, name: str) -> float | None:
    found = row.get("latency_ms")
    return number_in(found, name) if isinstance(found, Mapping) else None


@dataclass(frozen=True, slots=True)
class Figures(Read):
    """One answer of `GET /api/v1/metrics`; latencies in milliseconds. `at` (monotonic seconds) is given."""

    at: Annotated[float, number_in]
    connections: Whole
    users: Whole
    pending: Whole
    pods: Whole
    queued: Annotated[int, whole, "queue_size"]
    counters: Annotated[tuple[int, ...], Row(_counters)]
    p50: Annotated[float | None, _quantile]
    p95: Annotated[float | None, _quantile]
    p99: Annotated[float | None, _quantile]
    uptime: Annotated[float | None, number_in, "uptime_s"]
    version: Text
    pod_id: Text


@dataclass(frozen=True, slots=True)
class Sample:
    """Figures with the rates per second that they make with those before: sent, pushed, acked, cleared."""

    figures: Figures
    rates: tuple[float, ...]


class History:
    """The last `SAMPLES_MAX` samples."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)

    @property
    def latest(self) -> Sample | None:
        """The newest sample."""
        return self._samples[-1] if self._samples else None

    def add(self, figures: Figures) -> None:
        """Takes the next figures."""
        self._samples.append(Sample(figures, self._rates(figures)))

    def samples(self) -> list[Sample]:
        """All of them, oldest first."""
        return list(self._samples)

    def _rates(self, now: Figures) -> tuple[float, ...]:
        then = self._before(now.at - RATE_OVER)
        if then is None or now.at <= then.at:
            return (0.0,) * len(COUNTERS)
        # A count that fell means a restarted cluster, not a negative rate.
        pairs = zip(now.counters, then.counters, strict=True)
        return tuple(max(0, new - old) / (now.at - then.at) for new, old in pairs)

    def _before(self, at: float) -> Figures | None:
        found = None
        for sample in reversed(self._samples):
            found = sample.figures
            if found.at <= at:
                break
        return found


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the server: its state in one word, and the rest of what it says."""

    name: str
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """One answer of `GET /health`."""

    status: str
    components: tuple[Component, ...]

    @classmethod
    def read(cls, row: Json) -> Health:
        """From its JSON."""
        found = row.get("components")
        parts = found.items() if isinstance(found, Mapping) else ()
        return cls(text(row, "status") or "unknown", tuple(_component(str(name), part) for name, part in parts))


def _component(name: str, part: object) -> Component:
    if not isinstance(part, Mapping):
        return Component(name, str(part), "")
    return Component(name, text(part, "status") or "unknown", ", ".join(_said(part)))


def _said(part: Json) -> list[str]:
    said = []
    for name, value in part.items():
        if isinstance(value, Mapping):
            for inner, why in value.items():
                said += _circuits(str(inner), why) if isinstance(why, Mapping) else [f"{inner}: {why}"]
        elif name != "status" and value not in (None, "", 0):
            said.append(value if isinstance(value, str) else f"{name} {value}")
    return said


def _circuits(channel: str, providers: Json) -> list[str]:
    """The providers of a channel whose circuits are not closed."""
    return [f"{channel}: {name} {state}" for name, state in providers.items() if state != "closed"]
