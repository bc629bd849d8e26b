"""What a pod says of itself: to the others, to health checks, and summed over the cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from notifier import __version__
from notifier.domain.times import format_time
from notifier.service.operate import PodDocument, PodReport
from notifier.telemetry.metrics import COUNTERS, SECONDS, quantile_of

if TYPE_CHECKING:
    from notifier.pod.app import App


TELL_REPLACED = 300.0  # seconds for which health says that the store's data were replaced
REPLACED = "holds other data than before (flushed, replaced or restored): connected clients were told to sync again"


def pod_document(app: App) -> bytes:
    """What stands under the pod's presence: JSON."""
    return msgspec.json.encode(
        PodDocument(
            version=__version__,
            started_at=format_time(app.started_at),
            connections=len(app.hub),
            locks=app.hub.owned(app.settings.pod_id),
            latency=app.metrics.latency.counts,
            hands=app.pipeline.engine.hands if app.pipeline.engine else 0,
        )
    )


def health_report(app: App) -> dict[str, Any]:
    """The body of `/health`, from what is known at this moment: it asks nobody."""
    trouble = store_trouble(app)
    status = "unavailable" if not app.redis.up else "degraded" if trouble else "ok"
    redis: dict[str, Any] = {"status": status, "mode": "external"}
    if status == "degraded":
        refused = app.redis.refusal is not None or (app.embedded is not None and app.embedded.trouble is not None)
        redis |= {"error": "; ".join(trouble), "writes": "refused" if refused else "accepted"}
    if app.embedded is not None:
        redis |= {"mode": "embedded", "restarts": app.embedded.restarts}
    failing = {duty.name: duty.last_error for duty in app.duties if not duty.healthy}
    workers: dict[str, Any] = {"status": "degraded" if failing else "ok", "running": len(app.duties) - len(failing)}
    if failing:
        workers["failing"] = failing
    return {
        "status": status,
        "components": {
            "redis": redis,
            "workers": workers,
            "kafka": app.ingest.state.report() if app.ingest is not None else {"status": "off"},
            "providers": _providers(app),
        },
        "version": __version__,
        "pod_id": app.settings.pod_id,
        "uptime_s": round(time.time() - app.started_at, 1),
    }


def store_trouble(app: App) -> list[str]:
    """Everything that is wrong with a store that can be reached, one sentence each."""
    replaced = REPLACED if time.monotonic() - app.replaced_at < TELL_REPLACED else None
    own = app.embedded.trouble if app.embedded is not None else None
    return [reason for reason in (own or app.redis.refusal, replaced, *app.store_watch.reasons) if reason]


async def cluster_snapshot(app: App) -> dict[str, Any]:
    """The body of `/api/v1/metrics`: counts of the whole cluster since its first start, and how it stands now."""
    totals = await app.operations.totals()
    pods = [pod for pod in await app.operations.pods() if pod.alive]
    pending, _, users = await app.operations.pending_totals()
    queues = {queue.channel: queue.waiting for queue in (await app.pipeline.service.queues()).channels}
    fresh = app.metrics.since_last()
    counts = {name: totals.get(name, 0) + fresh[name] for name in COUNTERS}
    return {
        "queue_size": sum(sum(queue.values()) for queue in queues.values()),
        "worker_count": sum(pod.hands for pod in pods),
        "queues": queues,
        "connections": _connections(app, pods),
        **counts,
        "latency_ms": _latency(app, pods),
        "pending": pending,
        "users": users,
        "pods": len(pods),
        "uptime_s": round(time.time() - app.started_at, 1),
        "pod_id": app.settings.pod_id,
        "version": __version__,
    }


def _providers(app: App) -> dict[str, Any]:
    """Every route's providers with the state of their circuits; degraded while one is not closed."""
    if app.pipeline.routes is None:
        return {"status": "off"}
    found: dict[str, dict[str, str]] = {}
    for key, provider in app.pipeline.routes:
        found.setdefault(key, {})[provider.name] = app.pipeline.breakers.state(provider.name)
    well = all(state == "closed" for states in found.values() for state in states.values())
    hosts = sum(len(app.pipeline.breakers.hosts(provider.name)) for _, provider in app.pipeline.routes)
    return {"status": "ok" if well else "degraded", "channels": found, "hosts_open": hosts}


async def providers_of_all_pods(app: App) -> list[dict[str, Any]]:
    """Every provider with what the pods together have done through it."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    latencies: dict[tuple[str, str], list[float]] = {}
    for answer in await app.peers.ask("providers"):
        for told in answer:
            row = {"hosts": [], "hosts_open": 0, **told}  # a pod of an older version names none
            key = (row["channel"], row["name"])
            latencies.setdefault(key, []).extend(row.pop("latencies"))
            known = rows.setdefault(key, row)
            if known is not row:
                for name in ("sent", "failed", "rate_per_s"):
                    known[name] = round(known[name] + row[name], 2)
                known["hosts"], known["hosts_open"] = max(
                    ((one["hosts"], one["hosts_open"]) for one in (known, row)), key=lambda one: one[1]
                )
    for key, row in rows.items():
        for circuit in (row, *row["hosts"]):
            until = circuit["open_until"]
            circuit["open_until"] = format_time(until / 1000) if until else None
        row["latency_ms"] = {name: _share_of(sorted(latencies[key]), share) for name, share in _SHARES.items()}
    return [rows[key] for key in sorted(rows)]


async def hands_of_all_pods(app: App) -> dict[str, int]:
    """How many sends each channel can have at once over all pods."""
    total: dict[str, int] = {}
    for answer in await app.peers.ask("hands"):
        for channel, hands in answer.items():
            total[channel] = total.get(channel, 0) + hands
    return total


def _share_of(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _connections(app: App, pods: list[PodReport]) -> int:
    return len(app.hub) + sum(pod.connections for pod in pods if pod.pod_id != app.settings.pod_id)


def _latency(app: App, pods: list[PodReport]) -> dict[str, float]:
    counts = list(app.metrics.latency.counts)
    for pod in pods:
        if pod.pod_id != app.settings.pod_id and pod.latency:
            counts = [a + b for a, b in zip(counts, pod.latency, strict=False)]
    return {name: round(quantile_of(SECONDS, counts, share) * 1000, 3) for name, share in _SHARES.items()}


_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
