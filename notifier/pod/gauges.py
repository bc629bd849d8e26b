"""Gauges of one instance, read at every scrape of `/metrics`."""

from __future__ import annotations

from collections.abc import Callable

from notifier.live.events import EventFeed
from notifier.live.hub import Hub
from notifier.pod.identity import Identity
from notifier.pod.seat import Seat
from notifier.pod.store_state import StoreState
from notifier.store.embedded.kept import OwnRedis
from notifier.telemetry.metrics import Metrics


def register_gauges(metrics: Metrics, identity: Identity, hub: Hub, events: EventFeed) -> None:
    """Gauges of connections and events."""
    gauge = metrics.gauge
    gauge("websocket_connections", "Open WebSocket connections", lambda: len(hub))
    gauge("inbox_locks", "Users whose lock this instance holds", lambda: hub.owned(identity.pod))
    gauge("event_listeners", "Followers of the stream of events", lambda: events.listeners)
    gauge("uptime_seconds", "Seconds since the start", lambda: identity.uptime, max)


def register_store_gauges(metrics: Metrics, store: StoreState, embedded: OwnRedis | None) -> None:
    """Gauges of the store; the free disk space only of an embedded one."""
    gauge = metrics.gauge
    gauge("redis_up", "1 while the store can be reached", lambda: float(store.up), min)
    text = "Times that the store was found to hold other data than before"
    gauge("store_replacements", text, lambda: store.replacements, max)
    text = "1 while the store refuses writes or may lose them"
    gauge("store_degraded", text, lambda: bool(store.trouble()), max)
    if embedded is not None:
        gauge("disk_free_bytes", "Bytes free on the disk of DATA_DIR", lambda: embedded.disk_free, min)


def register_outer_gauges(metrics: Metrics, kafka_lag: Callable[[], float], seat: Seat | None) -> None:
    """Gauges of what surrounds the instance: Kafka, and the supervisor where there is one."""
    metrics.gauge("kafka_lag", "Messages that this instance has yet to store", kafka_lag)
    if seat is not None:
        metrics.gauge("worker_process_restarts", "Workers that had to be started again", lambda: seat.restarts, max)


def build_info(identity: Identity, supervised: bool) -> dict[str, str]:
    """Labels of `notifier_build_info`; workers of one machine share the name without their `-N`."""
    pod = identity.pod.rpartition("-")[0] if supervised else identity.pod
    return {"version": identity.version, "pod_id": pod}
