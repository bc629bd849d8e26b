"""`GET /metrics` for Prometheus and `GET /api/v1/metrics` as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics import exposition as openmetrics
from sanic import HTTPResponse

from notifier.web.endpoints.fields import HEALTH, Count, Seconds
from notifier.web.http.mount import Call
from notifier.web.http.negotiation import best_type
from notifier.web.http.route import API, Answer, Endpoints, Reply, get

FORMS = ("text/plain", "application/openmetrics-text", "application/json")
VARY = {"Vary": "Accept"}


class Latency(Struct):
    """Accepted → written to the socket, in milliseconds."""

    p50: float
    p95: float
    p99: float


class QueueDepth(Struct):
    """Deliveries that wait, by priority."""

    high: Count
    normal: Count
    low: Count


class ClusterMetrics(Struct, kw_only=True):
    """Counts of the whole cluster since its first start, and how it stands now."""

    processed_messages: Count
    failed_messages: Count
    rate_limited_messages: Count
    queue_size: Count
    worker_count: Count
    queues: Annotated[dict[str, QueueDepth], Meta(description="By channel.")]
    connections: Count
    sent: Annotated[int, Meta(ge=0, description="Notifications accepted and stored, once per recipient.")]
    pushed: Annotated[int, Meta(ge=0, description="Notifications written to sockets.")]
    acked: Annotated[int, Meta(ge=0, description="Notifications marked read.")]
    auto_cleared: Annotated[int, Meta(ge=0, description="Notifications that expired unread.")]
    trimmed: Annotated[int, Meta(ge=0, description="Notifications dropped because newer ones filled the inbox.")]
    latency_ms: Latency
    pending: Count
    users: Count
    pods: Count
    uptime_s: Seconds
    pod_id: str
    version: str


_EXAMPLE = ClusterMetrics(
    processed_messages=0,
    failed_messages=0,
    rate_limited_messages=0,
    queue_size=0,
    worker_count=8,
    queues={},
    connections=1,
    sent=3,
    pushed=3,
    acked=2,
    auto_cleared=0,
    trimmed=0,
    latency_ms=Latency(0.4, 0.9, 1.3),
    pending=1,
    users=1,
    pods=1,
    uptime_s=12.5,
    pod_id="pod-a",
    version="0.1.0",
)
_SAMPLE = "# TYPE notifications_sent_total counter\nnotifications_sent_total 3.0\n"
_SAMPLES = Answer(description="The samples.", body=str, example=_SAMPLE, media="text/plain")
_OPEN_SAMPLES = Answer(
    description="The samples.", body=str, example=_SAMPLE + "# EOF\n", media="application/openmetrics-text"
)
_AS_JSON = Answer(body=ClusterMetrics, example=_EXAMPLE)

Snapshot = Callable[[], Awaitable[dict[str, Any]]]


class MetricsEndpoints(Endpoints):
    """The routes of metrics."""

    tag, access = HEALTH, API

    def __init__(self, registry: CollectorRegistry, snapshot: Snapshot) -> None:
        """`snapshot` answers the fields of `ClusterMetrics`, summed over the cluster."""
        self._registry = registry
        self._snapshot = snapshot

    @get(
        "/metrics",
        "Metrics for Prometheus",
        description="Summed over the workers of this machine. The format follows `Accept`.",
        answers=(_SAMPLES, _OPEN_SAMPLES, _AS_JSON),
    )
    async def scrape_metrics(self, call: Call) -> HTTPResponse | Reply[ClusterMetrics]:
        kind = best_type(call.request, FORMS)
        if kind == "application/json":
            return Reply(await self.get_metrics(call), VARY)
        if kind == "application/openmetrics-text":
            samples = openmetrics.generate_latest(self._registry)
            return HTTPResponse(samples, headers=VARY, content_type=openmetrics.CONTENT_TYPE_LATEST)
        return HTTPResponse(generate_latest(self._registry), headers=VARY, content_type=CONTENT_TYPE_LATEST)

    @get("/api/v1/metrics", "Metrics of the whole cluster as JSON", answers=(_AS_JSON,))
    async def get_metrics(self, call: Call) -> ClusterMetrics:
        return msgspec.convert(await self._snapshot(), ClusterMetrics)
