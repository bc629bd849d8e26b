"""Health, described."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from notifier.web.api.common import Count, Seconds
from notifier.web.api.route import Answer, Route


class RedisHealth(Struct):
    """The store."""

    status: Literal["ok", "unavailable"]
    mode: Literal["embedded", "external"]
    restarts: Count | UnsetType = UNSET


class WorkersHealth(Struct):
    """Background duties; those that fail by name, with their last error."""

    status: Literal["ok", "degraded"]
    running: Count
    failing: dict[str, str | None] | UnsetType = UNSET


class PartHealth(Struct):
    """A part that may be off."""

    status: str


class Components(Struct):
    """The parts of a pod."""

    redis: RedisHealth
    workers: WorkersHealth
    kafka: PartHealth
    providers: PartHealth


class Health(Struct):
    """How this pod is."""

    status: Literal["ok", "unavailable"]
    components: Components
    version: str
    pod_id: str
    uptime_s: Seconds


class Status(Struct):
    """Yes or no."""

    status: Literal["ok", "unavailable"]


def _report(status: Literal["ok", "unavailable"]) -> Health:
    parts = Components(RedisHealth(status, "embedded", 0), WorkersHealth("ok", 8), PartHealth("off"), PartHealth("off"))
    return Health(status, parts, "0.1.0", "pod-a", 12.5)


_OK = Answer(status=200, description="Yes.", body=Status, example=Status("ok"))

ROUTES = (
    Route(
        door="health",
        method="GET",
        path="/health",
        name="get_health",
        summary="Tell how this pod and its parts are",
        answers=(
            Answer(status=200, description="It works.", body=Health, example=_report("ok")),
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
        answers=(_OK, Answer(status=503, description="Not now.", body=Status, example=Status("unavailable"))),
    ),
)
