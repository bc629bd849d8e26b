"""`GET /api/v1/admin/history/metrics` and `/api/v1/admin/talkers`: the last hour at once, and who sent the most."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from notifier.domain.reading import checked
from notifier.web.endpoints.fields import OPERATORS, TIME, Count, Time
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, get

DAY = 1440


class HistoryQuery(Struct):
    """The minutes that are wanted, up to now."""

    minutes: Annotated[int, Meta(ge=1, le=DAY, description="The last one is the current, which is not over.")] = 60


class Series(Struct, kw_only=True):
    """A value for each minute; null where no instance told of it: Redis was away, or nothing ran."""

    connections: list[float | None]
    accepted: list[float | None]
    pushed: list[float | None]
    acked: list[float | None]
    sent: Annotated[list[float | None], Meta(description="Deliveries that a provider took.")]
    failed: Annotated[list[float | None], Meta(description="Deliveries that failed for good.")]
    dead: Annotated[list[float | None], Meta(description="Dead letters at its end.")]
    p99_ms: Annotated[list[float | None], Meta(description="From acceptance to the socket.")]
    queued: list[float | None]
    held: Annotated[list[float | None], Meta(description="Deliveries put back untried.")]
    loop_lag_ms: Annotated[list[float | None], Meta(description="The worst of any instance.")]
    store_ms: Annotated[list[float | None], Meta(description="99th percentile of Redis' replies.")]


class Mark(Struct):
    """An event that explains a chart."""

    at: Time
    kind: Literal["restart", "circuit_open", "circuit_closed", "paused", "resumed", "instance_gone", "store_replaced"]
    text: Annotated[str, Meta(description="The instance, provider or channel.")]


class MetricsHistory(Struct):
    """Figures of each minute, summed over the instances, and what happened in between."""

    step_seconds: Count
    start: Time = field(name="from")
    series: Series
    marks: list[Mark]


def _minutes_problem(value: object) -> str | None:
    return None if value in (1, 15) else "must be 1 or 15"


class TalkersQuery(Struct):
    """The time over which is counted."""

    minutes: Annotated[
        int, Meta(description="1 or 15.", extra_json_schema={"enum": [1, 15]}, extra=checked(_minutes_problem))
    ] = 1


class Talker(Struct):
    """A name and how often it came."""

    name: str
    count: Count


class TalkerList(Struct):
    """The ten busiest of each kind, over all instances."""

    minutes: Count
    source: Annotated[list[Talker], Meta(description="By notifications; deliveries for their caller or `kafka:TOPIC`.")]
    user: Annotated[list[Talker], Meta(description="By notifications and deliveries.")]
    caller: Annotated[list[Talker], Meta(description="By requests that send.")]
    address: Annotated[list[Talker], Meta(description="By requests that send.")]


_SERIES = Series(**{name: [1.0, None] for name in Series.__struct_fields__})
_EXAMPLE = MetricsHistory(60, TIME, _SERIES, [Mark(TIME, "circuit_open", "push-1")])
_TALKERS = TalkerList(15, [Talker("shop", 812)], [Talker("1-alice", 9)], [Talker("anybody", 812)], [])

History = Callable[[int], Awaitable[dict[str, Any]]]
Talk = Callable[[int], Awaitable[dict[str, list[dict[str, Any]]]]]


class HistoryEndpoints(Endpoints):
    """The routes of what was."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, history: History, talkers: Talk) -> None:
        """`history` answers the fields of `MetricsHistory` but for the step, `talkers` the names of each kind."""
        self._history = history
        self._talkers = talkers

    @get(
        "/api/v1/admin/history/metrics",
        "Show the figures of each of the last minutes",
        answers=(Answer(example=_EXAMPLE),),
    )
    async def get_metrics_history(self, call: Call, query: HistoryQuery) -> MetricsHistory:
        return msgspec.convert({"step_seconds": 60, **await self._history(query.minutes)}, MetricsHistory)

    @get(
        "/api/v1/admin/talkers",
        "Show who sends the most",
        answers=(Answer(example=_TALKERS),),
    )
    async def list_talkers(self, call: Call, query: TalkersQuery) -> TalkerList:
        return msgspec.convert({"minutes": query.minutes, **await self._talkers(query.minutes)}, TalkerList)
