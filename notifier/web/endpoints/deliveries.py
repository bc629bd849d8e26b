"""`/api/v1/notifications`, `/api/v1/batches` and `/send`: deliveries for those who send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from notifier.domain.channels import CHANNELS
from notifier.domain.deliveries import Filter
from notifier.domain.delivery_requests import BatchRequest, DeliveryRequest, SendRequest, SmsRequest
from notifier.domain.fields import (
    Channel,
    Content,
    Data,
    Priority,
    Retries,
    Subject,
    optional_one_of,
    text,
)
from notifier.domain.limits import OverLimit, Quota
from notifier.domain.status import Status
from notifier.domain.talkers import Notebook
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.accept import Acceptance, AcceptService
from notifier.service.deliveries import DeliveryService
from notifier.web.endpoints.fields import (
    DELIVERIES,
    ID,
    KEY_REUSED,
    KEY_RUNNING,
    LIMIT_HEADERS,
    TIME,
    UNKNOWN_DELIVERY,
    Count,
    DeliveryHeaders,
    DeliveryId,
    FieldProblem,
    IdempotencyHeaders,
    Time,
    Uuid,
    milliseconds,
    moment,
)
from notifier.web.http.errors import quota_headers
from notifier.web.http.mount import Call
from notifier.web.http.route import API, Answer, Endpoints, Reply, delete, get, post

NOTIFICATIONS = "/api/v1/notifications"
MAX_LIMIT = 100
DEFAULT_LIMIT = 20
MAX_PAGE = 100_000

# Of the closed vocabulary of reasons, those for which a delivery waits; a store that is away answers nothing.
Waiting = Literal["not_due", "rate_limited", "circuit_open", "channel_paused", "backoff", "in_queue"]


class Delivery(Struct, kw_only=True):
    """A delivery, as it stands."""

    id: Uuid
    channel: Channel
    recipient: Annotated[str, Meta(description="Empty where the user's sessions decide.")]
    content: Content
    priority: Priority
    status: Status
    retry_count: Count
    max_retries: Retries
    created_at: Time
    updated_at: Time
    user_id: str | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    data: Data | UnsetType = UNSET
    next_retry_at: Time | UnsetType = UNSET
    scheduled_at: Time | UnsetType = UNSET
    expires_at: Time | UnsetType = UNSET
    batch_id: Uuid | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    provider_message_id: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    sent_at: Time | UnsetType = UNSET
    waiting_for: Annotated[Waiting, Meta(description="While it waits: for what.")] | UnsetType = UNSET
    since: (
        Annotated[str, Meta(description="Since when it waits for that.", extra_json_schema={"format": "date-time"})]
        | UnsetType
    ) = UNSET


class Attempt(Struct):
    """One try through one provider."""

    at: Time
    provider: str
    outcome: Literal["sent", "retry", "failed"]
    error: str
    latency_ms: Annotated[float, Meta(ge=0)]


class DeliveryStatus(Struct):
    """The status with every attempt, the oldest first."""

    id: Uuid
    status: Status
    attempts: list[Attempt]


class DeliveriesPage(Struct):
    """Deliveries, the newest first."""

    notifications: list[Delivery]
    page: Annotated[int, Meta(ge=1)]
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
    total: Count
    total_is_minimum: (
        Annotated[bool, Meta(description="There may be more: filters were combined over too many to count.")]
        | UnsetType
    ) = UNSET


class BatchItem(Struct):
    """The result of one item: its id, or its errors."""

    index: Count
    id: Uuid | UnsetType = UNSET
    errors: list[FieldProblem] | UnsetType = UNSET


class BatchAnswer(Struct):
    """The result of each item."""

    batch_id: Uuid
    total: Count
    accepted: Count
    rejected: Count
    notifications: list[BatchItem]


class BatchReport(Struct):
    """A batch as it stands."""

    batch_id: Uuid
    total: Count
    statuses: Annotated[dict[str, int], Meta(description="How many are in which status.")]
    notifications: list[Delivery]
    page: Annotated[int, Meta(ge=1)]
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)]


class SendAnswer(Struct):
    """The delivery that was stored."""

    id: Uuid
    status: Status


class PlaceQuery(Struct):
    """A page, counted from 1."""

    page: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 1
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many rows at most.")] = DEFAULT_LIMIT


class DeliveriesQuery(PlaceQuery):
    """Filters, which combine."""

    status: optional_one_of(tuple(map(str, Status))) = ""  # type: ignore[valid-type]
    channel: optional_one_of(CHANNELS) = ""  # type: ignore[valid-type]
    recipient: text(0, 4096) = ""  # type: ignore[valid-type]
    user_id: text(0, 160) = ""  # type: ignore[valid-type]
    start: moment("Created at or after it.") = field(name="from", default="")  # type: ignore[valid-type]
    end: moment("Created before it.") = field(name="to", default="")  # type: ignore[valid-type]


_DELIVERY = Delivery(
    id=ID,
    channel="sms",
    recipient="+905551234567",
    content="Your code is 123456",
    priority="high",
    status=Status.QUEUED,
    retry_count=0,
    max_retries=3,
    created_at=TIME,
    updated_at=TIME,
)
_REQUEST = SmsRequest(recipient="+905551234567", content="Your code is 123456", priority="high")
_BATCH_ANSWER = BatchAnswer(
    ID, 2, 1, 1, [BatchItem(0, ID), BatchItem(1, errors=[FieldProblem("content", "is required")])]
)
_STATUS = DeliveryStatus(ID, Status.SENT, [Attempt(TIME, "simulator", "sent", "", 51.2)])
_TAKEN_HEADERS = ("Idempotent-Replayed", *LIMIT_HEADERS)
_INVALID = NotifierError(
    ErrorCode.INVALID,
    "1 field is not valid",
    [FieldError("recipient", "must be a number in E.164, such as +905551234567")],
)
_LIMITED = OverLimit(
    Quota("api", 100, 60.0, 0, 12.0), [FieldError("user_id", "u-1 is over the limit for another 12.0 s")]
)


class DeliveryEndpoints(Endpoints):
    """The routes of single deliveries and of batches."""

    tag, access = DELIVERIES, API

    def __init__(self, accept: AcceptService, service: DeliveryService, notebook: Notebook) -> None:
        """`notebook` is told who sends."""
        self._notebook = notebook
        self._accept = accept
        self._service = service

    @post(
        NOTIFICATIONS,
        "Send a notification through a provider",
        description="`recipient` is the channel's address and is checked as such; or `user_id` instead, and the user's "
        "sessions decide address and platform.",
        example=_REQUEST,
        answers=(Answer(status=201, description="Stored.", example=_DELIVERY, headers=_TAKEN_HEADERS),),
        failures=(_INVALID, KEY_REUSED, _LIMITED),
    )
    async def create_delivery(self, call: Call, body: DeliveryRequest, headers: DeliveryHeaders) -> Reply[Delivery]:
        key = headers.key(call.caller, "notifications")
        draft = body.draft()
        self._note(call, draft.user_id or draft.recipient)
        answer = await self._accept.create(draft, call.json, call.caller.identity, key)
        return Reply(answer.body, _headers(answer))

    @post(
        f"{NOTIFICATIONS}/batch",
        "Send up to a thousand notifications",
        description="The same key twice in one batch is one notification.",
        example=BatchRequest([_REQUEST]),
        answers=(Answer(status=201, example=_BATCH_ANSWER, headers=("Idempotent-Replayed",)),),
        failures=(KEY_REUSED, KEY_RUNNING),
    )
    async def create_batch(self, call: Call, body: BatchRequest, headers: IdempotencyHeaders) -> Reply[BatchAnswer]:
        key = headers.key(call.caller, "batch")
        self._note(call, "", len(body.notifications))
        answer = await self._accept.create_batch(body.notifications, call.json, call.caller.identity, key)
        return Reply(answer.body, _headers(answer))

    @post(
        "/send",
        "Send a notification to a user's devices",
        example=SendRequest(user_id="u-1", title="Order 17", body="Your order is on its way", priority=2),
        answers=(
            Answer(status=202, description="Stored.", example=SendAnswer(ID, Status.QUEUED), headers=_TAKEN_HEADERS),
        ),
        failures=(KEY_REUSED, _LIMITED),
    )
    async def send(self, call: Call, body: SendRequest, headers: DeliveryHeaders) -> Reply[SendAnswer]:
        key = headers.key(call.caller, "send")
        self._note(call, body.user_id)
        answer = await self._accept.create(body.draft(), call.json, call.caller.identity, key)
        return Reply(msgspec.json.decode(answer.body, type=SendAnswer), _headers(answer))

    def _note(self, call: Call, user: str, number: int = 1) -> None:
        """Notes who sends; a delivery has no source of its own: its caller is it."""
        caller = call.caller.name
        self._notebook.came(caller, call.request.ip, source=caller, user=user, number=number)

    @get(
        NOTIFICATIONS,
        "List deliveries, the newest first",
        answers=(Answer(example=DeliveriesPage([_DELIVERY], 1, DEFAULT_LIMIT, 1)),),
    )
    async def list_deliveries(self, call: Call, query: DeliveriesQuery) -> DeliveriesPage:
        wanted = Filter(
            query.status,
            query.channel,
            query.recipient,
            query.user_id,
            milliseconds(query.start),
            milliseconds(query.end),
        )
        return msgspec.convert(await self._service.search(wanted, query.page, query.limit), DeliveriesPage)

    @get(
        f"{NOTIFICATIONS}/{{delivery_id}}",
        "Show a delivery",
        answers=(Answer(example=_DELIVERY),),
        failures=(UNKNOWN_DELIVERY,),
    )
    async def get_delivery(self, call: Call, delivery_id: DeliveryId) -> Delivery:
        return msgspec.convert(await self._service.get(delivery_id), Delivery)

    @get(
        f"{NOTIFICATIONS}/{{delivery_id}}/status",
        "Show a delivery's status and its attempts",
        answers=(Answer(example=_STATUS),),
        failures=(UNKNOWN_DELIVERY,),
    )
    async def get_delivery_status(self, call: Call, delivery_id: DeliveryId) -> DeliveryStatus:
        found: Mapping[str, Any] = await self._service.status(delivery_id)
        return DeliveryStatus(found["id"], found["status"], msgspec.json.decode(found["attempts"], type=list[Attempt]))

    @delete(
        f"{NOTIFICATIONS}/{{delivery_id}}",
        "Cancel a delivery that no worker has taken",
        answers=(Answer(status=204, description="It is cancelled."),),
        failures=(UNKNOWN_DELIVERY, NotifierError(ErrorCode.CONFLICT, "this one is sent and cannot be cancelled")),
    )
    async def cancel_delivery(self, call: Call, delivery_id: DeliveryId) -> None:
        await self._service.cancel(delivery_id)

    @get(
        "/api/v1/batches/{batch_id}",
        "Show how a batch stands",
        answers=(Answer(example=BatchReport(ID, 1, {"queued": 1}, [_DELIVERY], 1, DEFAULT_LIMIT)),),
        failures=(NotifierError(ErrorCode.NOT_FOUND, "there is no such batch"),),
    )
    async def get_batch(self, call: Call, batch_id: str, query: PlaceQuery) -> BatchReport:
        return msgspec.convert(await self._service.batch(batch_id, query.page, query.limit), BatchReport)


def _headers(answer: Acceptance) -> dict[str, str]:
    headers = {} if answer.quota is None else quota_headers(answer.quota)
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return headers
