"""The operators' API of deliveries, described."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from notifier.domain.status import Status
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.web.api.common import ID, MALFORMED_QUERY, TIME, Count, Limit, NextCursor, Time, bad_query, text
from notifier.web.api.deliveries import UNKNOWN, DeliveryPath
from notifier.web.api.delivery import Channel, SendAnswer
from notifier.web.api.route import Answer, Route

ADMIN = "/api/v1/admin"


class DeadLetter(Struct, kw_only=True):
    """A delivery that failed for good, or a message that could not be read."""

    id: str
    channel: str
    recipient: str
    reason: str
    error: str
    attempts: Count
    failed_at: Time
    topic: Annotated[str, Meta(description="Where an unreadable message of Kafka stood.")] | UnsetType = UNSET
    partition: int | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    raw: str | UnsetType = UNSET


class Reason(Struct):
    """How many have failed so."""

    reason: str
    channel: str
    count: Count


class DeadLetters(Struct):
    """Dead letters, the newest first."""

    entries: list[DeadLetter]
    reasons: list[Reason]
    total: Count
    next_cursor: NextCursor


class DeadLettersQuery(Struct):
    """A page of the dead letters."""

    reason: text(0, 64, "Of this reason only.") = ""  # type: ignore[valid-type]
    channel: text(0, 32, "Of this channel only.") = ""  # type: ignore[valid-type]
    limit: Limit = 100
    cursor: Annotated[
        str, Meta(description="`next_cursor` of the page before.", extra_json_schema={"pattern": "^[0-9]{0,9}$"})
    ] = ""


class RequeueFilter(Struct, forbid_unknown_fields=True):
    """Which dead letters; all where it is empty."""

    reason: Annotated[str, Meta(max_length=64)] = ""
    channel: Channel | Literal[""] = ""


class RequeueRequest(Struct, forbid_unknown_fields=True):
    """What is to be sent again."""

    filter: RequeueFilter = field(default_factory=RequeueFilter)
    dry_run: Annotated[bool, Meta(description="Only count.")] = False


class Requeued(Struct):
    """How many."""

    requeued: Count


class RequeuedMany(Requeued):
    """How many, or would be."""

    dry_run: bool


class ChannelPath(Struct):
    """Names a channel."""

    channel: Annotated[str, Meta(examples=["sms"])]


class ChannelState(Struct):
    """Whether a channel is held."""

    channel: Channel
    paused: bool


class ProviderLatency(Struct):
    """Of the last sends, in milliseconds; null before the first."""

    p50: float | None
    p95: float | None
    p99: float | None


class HostCircuit(Struct):
    """A host of recipients that are called themselves, and its circuit, which is not closed."""

    host: str
    state: Literal["open", "half_open"]
    failures: Count
    open_until: Time


class Provider(Struct, kw_only=True):
    """A provider, summed over the pods."""

    name: str
    channel: str
    state: Literal["closed", "open", "half_open"]
    failures: Annotated[int, Meta(ge=0, description="Retryable failures in a row.")]
    open_until: Time | None
    hosts: Annotated[
        list[HostCircuit],
        Meta(
            description="Recipients' hosts whose circuits are not closed, at most 50; none where one service takes all."
        ),
    ]
    hosts_open: Annotated[int, Meta(ge=0, description="How many such hosts there are.")]
    sent: Count
    failed: Count
    rate_per_s: float
    latency_ms: ProviderLatency


class Providers(Struct):
    """Every provider."""

    providers: list[Provider]


class Queue(Struct, kw_only=True):
    """A channel's queue."""

    channel: Channel
    paused: bool
    high: Count
    normal: Count
    low: Count
    processing: Count
    workers: Annotated[int, Meta(ge=0, description="How many can be sent at once, over all pods.")]
    oldest_age_s: float | None


class Queues(Struct):
    """What waits."""

    queues: list[Queue]
    scheduled: Count
    dlq_size: Count


_ENTRY = DeadLetter(
    id=ID, channel="sms", recipient="+905551234567", reason="no_address", error="", attempts=1, failed_at=TIME
)
_NOT_DEAD = NotifierError(ErrorCode.CONFLICT, "this one is sent and cannot be requeued")
_NO_CHANNEL = NotifierError(ErrorCode.NOT_FOUND, "there is no such channel; there are sms, email, push, webhook, inapp")


def _route(method: str, path: str, name: str, summary: str, answer: Answer, *failures: Any, **more: Any) -> Route:
    return Route(
        door="dispatch",
        method=method,
        path=f"{ADMIN}/{path}",
        name=name,
        summary=summary,
        answers=(answer,),
        failures=failures,
        **more,
    )


def _of(example: Struct, status: int = 200) -> Answer:
    kind = type(example)
    return Answer(status=status, description=str(kind.__doc__), body=kind, example=example)


ROUTES = (
    _route(
        "GET",
        "dlq",
        "list_dead_letters",
        "List dead letters",
        _of(DeadLetters([_ENTRY], [Reason("no_address", "sms", 1)], 1, None)),
        MALFORMED_QUERY,
        bad_query("limit", "must be an integer of 1-1000"),
        query=DeadLettersQuery,
    ),
    _route(
        "POST",
        "dlq/{delivery_id}/requeue",
        "requeue_dead_letter",
        "Send a dead letter again",
        _of(Requeued(1), 202),
        UNKNOWN,
        _NOT_DEAD,
        path_fields=DeliveryPath,
    ),
    _route(
        "POST",
        "dlq/requeue",
        "requeue_dead_letters",
        "Send dead letters again, by their reason and channel",
        _of(RequeuedMany(17, True), 202),
        NotifierError(ErrorCode.INVALID, "1 field is not valid", [FieldError("dry_run", "must be true or false")]),
        body=RequeueRequest,
        example=RequeueRequest(RequeueFilter(reason="no_address"), True),
    ),
    _route(
        "DELETE",
        "dlq/{delivery_id}",
        "drop_dead_letter",
        "Take a dead letter away for good",
        Answer(status=204, description="It is gone."),
        NotifierError(ErrorCode.NOT_FOUND, "there is no such dead letter"),
        path_fields=DeliveryPath,
    ),
    _route(
        "POST",
        "notifications/{delivery_id}/retry",
        "retry_delivery",
        "Try a delivery at once that waits for its time, or has failed",
        _of(SendAnswer(ID, Status.QUEUED), 202),
        UNKNOWN,
        NotifierError(ErrorCode.CONFLICT, "this one is sent and cannot be retried"),
        path_fields=DeliveryPath,
    ),
    _route(
        "POST",
        "channels/{channel}/pause",
        "pause_channel",
        "Hold a channel's queue",
        _of(ChannelState("sms", True)),
        _NO_CHANNEL,
        path_fields=ChannelPath,
    ),
    _route(
        "POST",
        "channels/{channel}/resume",
        "resume_channel",
        "Let a channel's queue go on",
        _of(ChannelState("sms", False)),
        _NO_CHANNEL,
        path_fields=ChannelPath,
    ),
    _route(
        "GET",
        "providers",
        "list_providers",
        "Show how the providers stand",
        _of(
            Providers(
                [
                    Provider(
                        name="simulator",
                        channel="sms",
                        state="closed",
                        failures=0,
                        open_until=None,
                        hosts=[],
                        hosts_open=0,
                        sent=3,
                        failed=0,
                        rate_per_s=0.1,
                        latency_ms=ProviderLatency(50.1, 52.0, 52.3),
                    )
                ]
            )
        ),
    ),
    _route(
        "GET",
        "queues",
        "list_queues",
        "Show what waits",
        _of(
            Queues(
                [
                    Queue(
                        channel="sms",
                        paused=False,
                        high=0,
                        normal=1,
                        low=0,
                        processing=1,
                        workers=5,
                        oldest_age_s=0.3,
                    )
                ],
                0,
                1,
            )
        ),
    ),
)
