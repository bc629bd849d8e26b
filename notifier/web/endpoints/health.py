"""`GET /health`, `/health/live`, `/health/ready`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.problems import Kind, Severity
from notifier.web.endpoints.fields import HEALTH, Count, Seconds
from notifier.web.http.mount import Call
from notifier.web.http.route import OPEN, Answer, Endpoints, Reply, get


class RedisHealth(Struct):
    """The store; `degraded`: it answers, and refuses writes or may lose them (`writes`); `error` says why."""

    status: Literal["ok", "degraded", "unavailable"]
    mode: Literal["embedded", "external"]
    writes: Literal["accepted", "refused"] | UnsetType = UNSET
    restarts: Count | UnsetType = UNSET
    error: str | UnsetType = UNSET


class WorkersHealth(Struct):
    """Background duties; those that fail by name, with their last error."""

    status: Literal["ok", "degraded"]
    running: Count
    failing: dict[str, str | None] | UnsetType = UNSET


class KafkaHealth(Struct):
    """This instance's part in the consumer group. `lag` counts messages in its partitions that are not stored yet;
    `stored` and `dead_letters` count since the start."""

    status: Literal["ok", "degraded", "off"]
    lag: Count | UnsetType = UNSET
    partitions: Count | UnsetType = UNSET
    brokers_up: Count | UnsetType = UNSET
    stored: Count | UnsetType = UNSET
    dead_letters: Count | UnsetType = UNSET
    error: str | UnsetType = UNSET


class ProvidersHealth(Struct):
    """The providers of this instance: the state of each one's circuit, by channel, and how many of recipients' hosts
    are not closed, which is no fault of this service's."""

    status: Literal["ok", "degraded", "off"]
    channels: dict[str, dict[str, Literal["closed", "open", "half_open"]]] | UnsetType = UNSET
    hosts_open: Count | UnsetType = UNSET


class Components(Struct):
    """The parts of an instance."""

    redis: RedisHealth
    workers: WorkersHealth
    kafka: KafkaHealth
    providers: ProvidersHealth


Light = Annotated[
    Literal["green", "red"],
    Meta(description="`red` while Redis is away: for clients of Gotify, whose two fields these are."),
]


class ProblemWords(Struct):
    """A problem of the cluster, in plain English; `notice` is for information."""

    kind: Kind
    severity: Severity
    text: str


class InstanceHealth(Struct):
    """The state of this instance, which is that of its store. `degraded`: Redis refuses writes, or may
    lose what it is given."""

    status: Literal["ok", "degraded", "unavailable"]
    components: Components
    problems: Annotated[
        list[ProblemWords], Meta(description="The worst first, as `/api/v1/admin/problems` names them in full.")
    ]
    version: str
    pod_id: str
    uptime_s: Seconds
    health: Light
    database: Light


class Readiness(Struct):
    """Yes or no."""

    status: Literal["ok", "unavailable"]


def _report(status: Literal["ok", "unavailable"]) -> InstanceHealth:
    redis, providers = (
        RedisHealth(status, "embedded", restarts=0),
        ProvidersHealth("ok", {"sms": {"simulator": "closed"}}),
    )
    parts = Components(redis, WorkersHealth("ok", 8), KafkaHealth("off"), providers)
    away = ProblemWords(Kind.STORE_AWAY, Severity.CRITICAL, "Redis away 12s")
    light: Literal["green", "red"] = "green" if status == "ok" else "red"
    return InstanceHealth(status, parts, [] if status == "ok" else [away], "0.1.0", "pod-a", 12.5, light, light)


_YES = Answer(description="Yes.", example=Readiness("ok"))


class HealthEndpoints(Endpoints):
    """The routes of health."""

    tag, access = HEALTH, OPEN

    def __init__(self, report: Callable[[], dict[str, Any]], ready: Callable[[], bool]) -> None:
        """`report` answers the fields of `InstanceHealth` at once, from what is known; `ready`: the store is there."""
        self._report = report
        self._ready = ready

    @get(
        "/health",
        "Tell how this instance and its parts are",
        answers=(
            Answer(
                description="It works, or Redis refuses writes or may lose them (`degraded`).", example=_report("ok")
            ),
            Answer(status=503, description="Redis is away.", example=_report("unavailable")),
        ),
    )
    async def get_health(self, call: Call) -> Reply[InstanceHealth]:
        health = msgspec.convert(self._report(), InstanceHealth)
        return Reply(health, status=503 if health.status == "unavailable" else 200)

    @get("/health/live", "Tell whether the process answers", answers=(_YES,))
    async def is_live(self, call: Call) -> Readiness:
        return Readiness("ok")

    @get(
        "/health/ready",
        "Tell whether this instance can take requests",
        answers=(_YES, Answer(status=503, description="Not now.", example=Readiness("unavailable"))),
    )
    async def is_ready(self, call: Call) -> Reply[Readiness]:
        return Reply(Readiness("ok")) if self._ready() else Reply(Readiness("unavailable"), status=503)
