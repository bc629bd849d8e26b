"""The document under this instance's presence key: version, load and latency, for the other instances."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from notifier.domain.times import format_time
from notifier.live.hub import Hub
from notifier.pod.identity import Identity
from notifier.pod.problems import Told
from notifier.service.operate import PodDocument
from notifier.telemetry.metrics import Metrics


class DocumentWriter:
    """Writes the document anew for every heartbeat."""

    def __init__(
        self, identity: Identity, hub: Hub, metrics: Metrics, slots: Callable[[], int], told: Callable[[], Told]
    ) -> None:
        """`slots` returns the sends that this instance can have under way at once, `told` its problems."""
        self._identity = identity
        self._hub = hub
        self._metrics = metrics
        self._slots = slots
        self._told = told

    def write(self) -> bytes:
        """A `PodDocument`, as JSON."""
        told = self._told()
        return msgspec.json.encode(
            PodDocument(
                version=self._identity.version,
                started_at=format_time(self._identity.started_at),
                connections=len(self._hub),
                locks=self._hub.owned(self._identity.pod),
                latency=self._metrics.latency.counts,
                slots=self._slots(),
                problems=[msgspec.Raw(msgspec.json.encode(problem)) for problem in told.problems],
                kafka_lag=told.kafka_lag,
                sources=told.sources,
            )
        )
