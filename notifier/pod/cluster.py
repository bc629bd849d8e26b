"""Figures of the whole cluster: totals since its first start, and what all instances report now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifier.live.hub import Hub
from notifier.live.peers import Peers
from notifier.pod.identity import Identity
from notifier.pod.providers import SHARES, sum_rows
from notifier.service.deliveries import DeliveryService
from notifier.service.operate import Operations, PodReport
from notifier.telemetry.metrics import COUNTERS, SECONDS, Metrics, quantile_of

Row = dict[str, Any]

SLOTS = "hands"  # the question for sending slots, as instances of 0.1.0 know it


class ClusterFigures:
    """Adds this instance's fresh counts to the totals in Redis and to the documents of the other instances."""

    def __init__(
        self,
        identity: Identity,
        operations: Operations,
        deliveries: DeliveryService,
        peers: Peers,
        hub: Hub,
        metrics: Metrics,
    ) -> None:
        self._identity = identity
        self._operations = operations
        self._deliveries = deliveries
        self._peers = peers
        self._hub = hub
        self._metrics = metrics

    async def snapshot(self) -> Row:
        """The fields of `ClusterMetrics`. Raises `NotifierError(unavailable)`."""
        totals = await self._operations.totals()
        fresh = self._metrics.since_last()  # at once: a heartbeat may move them to the totals meanwhile
        pods = [pod for pod in await self._operations.pods() if pod.alive]
        pending, _, users = await self._operations.pending_totals()
        queues = {queue.channel: queue.waiting for queue in (await self._deliveries.queues()).channels}
        others = [pod for pod in pods if pod.pod_id != self._identity.pod]
        return {
            "queue_size": sum(sum(queue.values()) for queue in queues.values()),
            "worker_count": sum(pod.slots for pod in pods),
            "queues": queues,
            "connections": len(self._hub) + sum(pod.connections for pod in others),
            **{name: totals.get(name, 0) + fresh[name] for name in COUNTERS},
            "latency_ms": self._latency(others),
            "pending": pending,
            "users": users,
            "pods": len(pods),
            "uptime_s": round(self._identity.uptime, 1),
            "pod_id": self._identity.pod,
            "version": self._identity.version,
        }

    async def accepted(self) -> int:
        """Notifications accepted since the cluster's first start, but for the last seconds of other instances. Raises
        `NotifierError(unavailable)`."""
        totals = await self._operations.totals()
        return totals.get("sent", 0) + self._metrics.since_last()["sent"]

    async def providers(self) -> list[Row]:
        """The fields of every `Provider`, summed over the instances."""
        return sum_rows(await self._peers.ask("providers"))

    async def slots(self) -> dict[str, int]:
        """Sends that each channel can have under way at once, over all instances."""
        total: dict[str, int] = {}
        for answer in await self._peers.ask(SLOTS):
            for channel, slots in answer.items():
                total[channel] = total.get(channel, 0) + slots
        return total

    def _latency(self, others: Sequence[PodReport]) -> dict[str, float]:
        counts = list(self._metrics.latency.counts)
        for pod in others:
            if pod.latency:
                counts = [a + b for a, b in zip(counts, pod.latency, strict=False)]
        return {name: round(quantile_of(SECONDS, counts, share) * 1000, 3) for name, share in SHARES.items()}
