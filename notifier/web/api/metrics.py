"""Metrics, described."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from notifier.web.api.common import Count, Seconds
from notifier.web.api.route import Answer, Route


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
_AS_JSON = Answer(status=200, description=str(ClusterMetrics.__doc__), body=ClusterMetrics, example=_EXAMPLE)
_SAMPLE = "# TYPE notifications_sent_total counter\nnotifications_sent_total 3.0\n"

ROUTES = (
    Route(
        door="metrics",
        method="GET",
        path="/metrics",
        name="scrape_metrics",
        summary="Metrics for Prometheus",
        description="Summed over the workers of this machine. The format follows `Accept`.",
        answers=(
            Answer(status=200, description="The samples.", body=str, example=_SAMPLE, media="text/plain"),
            Answer(
                status=200,
                description="The samples.",
                body=str,
                example=_SAMPLE + "# EOF\n",
                media="application/openmetrics-text",
            ),
            _AS_JSON,
        ),
    ),
    Route(
        door="metrics",
        method="GET",
        path="/api/v1/metrics",
        name="get_metrics",
        summary="Metrics of the whole cluster as JSON",
        answers=(_AS_JSON,),
    ),
)
