"""Health, described."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from notifier.web.api.common import Count, Seconds
from notifier.web.api.route import Answer, Route


class RedisHealth(Struct):
    """The store; `degraded`: it answers, and refuses writes or may lose them (`writes`); `error` says why."""

    status: Literal["ok", "degraded", "unavailable"]
    mode: Literal["embedded", "external"]
    restarts: Count | UnsetType = UNSET
    error: str | UnsetType = UNSET
    writes: Literal["accepted", "refused"] | UnsetType = UNSET


class WorkersHealth(Struct):
    """Background duties; those that fail by name, with their last error."""

    status: Literal["ok", "degraded"]
    running: Count
    failing: dict[str, str | None] | UnsetType = UNSET


class KafkaHealth(Struct):
    """This pod's part in the consumer group. `lag` is what its partitions hold that is not stored yet; `stored` and
    `dead_letters` count since the start."""

    status: Literal["ok", "degraded", "off"]
    lag: Count | UnsetType = UNSET
    partitions: Count | UnsetType = UNSET
    brokers_up: Count | UnsetType = UNSET
    stored: Count | UnsetType = UNSET
    dead_letters: Count | UnsetType = UNSET
    error: str | UnsetType = UNSET


class ProvidersHealth(Struct):
    """The providers of this pod: the state of each one's circuit, by channel, and how many of recipients' hosts are
    not closed, which is no fault of this service's."""

    status: Literal["ok", "degraded", "off"]
    channels: dict[str, dict[str, Literal["closed", "open", "half_open"]]] | UnsetType = UNSET
    hosts_open: Count | UnsetType = UNSET


class Components(Struct):
    """The parts of a pod."""

    redis: RedisHealth
    workers: WorkersHealth
    kafka: KafkaHealth
    providers: ProvidersHealth


class Health(Struct):
    """How this pod is: that of its store, without which nothing works. `degraded`: Redis refuses writes, or may lose
    what it is given."""

    status: Literal["ok", "degraded", "unavailable"]
    components: Components
    version: str
    pod_id: str
    uptime_s: Seconds


class Readiness(Struct):
    """Yes or no."""

    status: Literal["ok", "unavailable"]


def _report(status: Literal["ok", "unavailable"]) -> Health:
    redis, providers = RedisHealth(status, "embedded", 0), ProvidersHealth("ok", {"sms": {"simulator": "closed"}})
    parts = Components(redis, WorkersHealth("ok", 8), KafkaHealth("off"), providers)
    return Health(status, parts, "0.1.0", "pod-a", 12.5)


_OK = Answer(status=200, description="Yes.", body=Readiness, example=Readiness("ok"))

ROUTES = (
    Route(
        door="health",
        method="GET",
        path="/health",
        name="get_health",
        summary="Tell how this pod and its parts are",
        answers=(
            Answer(
                status=200,
                description="It works, or Redis refuses writes or may lose them (`degraded`).",
                body=Health,
                example=_report("ok"),
            ),
            Answer(status=503, description="Redis is away.", body=Health, example=_report("unavailable")),
        ),
    ),
    Route(
        door="health",
        method="GET",
        path="/health/live",
        name="is_live",
        summary="Tell whether the process answers",
        answers=(_OK,),
    ),
    Route(
        door="health",
        method="GET",
        path="/health/ready",
        name="is_ready",
        summary="Tell whether this pod can take requests",
        answers=(_OK, Answer(status=503, description="Not now.", body=Readiness, example=Readiness("unavailable"))),
    ),
)
