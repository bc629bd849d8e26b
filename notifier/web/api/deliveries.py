"""Deliveries for those who send them, described."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from notifier.domain.deliveries import CHANNELS
from notifier.domain.limits import OverLimit, Quota
from notifier.domain.status import Status
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.web.api.common import ID, MALFORMED_QUERY, bad_query, text
from notifier.web.api.delivery import (
    ATTEMPT,
    EXAMPLE,
    EXAMPLE_REQUEST,
    BatchAnswer,
    BatchItem,
    BatchReport,
    BatchRequest,
    DeliveriesPage,
    Delivery,
    DeliveryHeaders,
    DeliveryRequest,
    DeliveryStatus,
    SendAnswer,
    SendRequest,
)
from notifier.web.api.notify import LIMIT_HEADERS
from notifier.web.api.problem import FieldProblem
from notifier.web.api.route import Answer, Route
from notifier.web.deliveries import DEFAULT_LIMIT, MAX_LIMIT, MAX_PAGE

NOTIFICATIONS = "/api/v1/notifications"


class DeliveryPath(Struct):
    """Names a delivery."""

    delivery_id: Annotated[str, Meta(description="The delivery's `id`.")]


class BatchPath(Struct):
    """Names a batch."""

    batch_id: str


class PlaceQuery(Struct):
    """A page, counted from 1."""

    page: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 1
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many rows at most.")] = DEFAULT_LIMIT


def _one_of(values: tuple[str, ...]) -> Meta:
    return Meta(description="Empty for any.", extra_json_schema={"enum": ["", *map(str, values)]})


def _bound(description: str) -> Meta:
    forms = [{"format": "date-time"}, {"const": ""}]
    return Meta(description=f"{description} RFC 3339.", extra_json_schema={"anyOf": forms})


class DeliveriesQuery(PlaceQuery):
    """Filters, which combine."""

    status: Annotated[str, _one_of(tuple(Status))] = ""
    channel: Annotated[str, _one_of(CHANNELS)] = ""
    recipient: text(0, 4096) = ""  # type: ignore[valid-type]
    user_id: text(0, 160) = ""  # type: ignore[valid-type]
    start: Annotated[str, _bound("Created at or after it.")] = field(name="from", default="")
    end: Annotated[str, _bound("Created before it.")] = field(name="to", default="")


UNKNOWN = NotifierError(ErrorCode.NOT_FOUND, "there is no such notification")
_REUSED = NotifierError(ErrorCode.INVALID, "this idempotency key was used for another request")
_TAKEN_HEADERS = ("Idempotent-Replayed", *LIMIT_HEADERS)
_INVALID = NotifierError(
    ErrorCode.INVALID,
    "1 field is not valid",
    [FieldError("recipient", "must be a number in E.164, such as +905551234567")],
)
_LIMITED = OverLimit(
    Quota("api", 100, 60.0, 0, 12.0), [FieldError("user_id", "u-1 is over the limit for another 12.0 s")]
)
_RUNNING = NotifierError(ErrorCode.CONFLICT, "the first request under this key is still running", retry_after=30.0)
_BAD_PAGE = (MALFORMED_QUERY, bad_query("limit", f"must be an integer of 1-{MAX_LIMIT}"))

ROUTES = (
    Route(
        door="deliveries",
        method="POST",
        path=NOTIFICATIONS,
        name="create_delivery",
        summary="Send a notification through a provider",
        description="`recipient` is the channel's address and is checked as such; or `user_id` instead, and the user's "
        "sessions decide address and platform.",
        headers=DeliveryHeaders,
        body=DeliveryRequest,
        example=EXAMPLE_REQUEST,
        answers=(Answer(status=201, description="Stored.", body=Delivery, example=EXAMPLE, headers=_TAKEN_HEADERS),),
        failures=(_INVALID, _REUSED, _LIMITED),
    ),
    Route(
        door="deliveries",
        method="POST",
        path=f"{NOTIFICATIONS}/batch",
        name="create_batch",
        summary="Send up to a thousand notifications",
        description="The same key twice in one batch is one notification.",
        headers=DeliveryHeaders,
        body=BatchRequest,
        example=BatchRequest([EXAMPLE_REQUEST]),
        answers=(
            Answer(
                status=201,
                description=str(BatchAnswer.__doc__),
                body=BatchAnswer,
                example=BatchAnswer(
                    ID,
                    2,
                    1,
                    1,
                    [BatchItem(0, ID), BatchItem(1, errors=[FieldProblem("content", "is required")])],
                ),
                headers=("Idempotent-Replayed",),
            ),
        ),
        failures=(
            NotifierError(
                ErrorCode.INVALID,
                "1 field is not valid",
                [FieldError("notifications", "must be a list of 1-1000 notifications")],
            ),
            _REUSED,
            _RUNNING,
        ),
    ),
    Route(
        door="deliveries",
        method="GET",
        path=NOTIFICATIONS,
        name="list_deliveries",
        summary="List deliveries, the newest first",
        query=DeliveriesQuery,
        answers=(
            Answer(
                status=200,
                description=str(DeliveriesPage.__doc__),
                body=DeliveriesPage,
                example=DeliveriesPage([EXAMPLE], 1, DEFAULT_LIMIT, 1),
            ),
        ),
        failures=(MALFORMED_QUERY, bad_query("from", "must be an RFC 3339 time such as 2024-01-01T12:00:00Z")),
    ),
    Route(
        door="deliveries",
        method="GET",
        path=f"{NOTIFICATIONS}/{{delivery_id}}",
        name="get_delivery",
        summary="Show a delivery",
        path_fields=DeliveryPath,
        answers=(Answer(status=200, description=str(Delivery.__doc__), body=Delivery, example=EXAMPLE),),
        failures=(UNKNOWN,),
    ),
    Route(
        door="deliveries",
        method="GET",
        path=f"{NOTIFICATIONS}/{{delivery_id}}/status",
        name="get_delivery_status",
        summary="Show a delivery's status and its attempts",
        path_fields=DeliveryPath,
        answers=(
            Answer(
                status=200,
                description=str(DeliveryStatus.__doc__),
                body=DeliveryStatus,
                example=DeliveryStatus(ID, Status.SENT, [ATTEMPT]),
            ),
        ),
        failures=(UNKNOWN,),
    ),
    Route(
        door="deliveries",
        method="DELETE",
        path=f"{NOTIFICATIONS}/{{delivery_id}}",
        name="cancel_delivery",
        summary="Cancel a delivery that no worker has taken",
        path_fields=DeliveryPath,
        answers=(Answer(status=204, description="It is cancelled."),),
        failures=(UNKNOWN, NotifierError(ErrorCode.CONFLICT, "this one is sent and cannot be cancelled")),
    ),
    Route(
        door="deliveries",
        method="GET",
        path="/api/v1/batches/{batch_id}",
        name="get_batch",
        summary="Show how a batch stands",
        path_fields=BatchPath,
        query=PlaceQuery,
        answers=(
            Answer(
                status=200,
                description=str(BatchReport.__doc__),
                body=BatchReport,
                example=BatchReport(ID, 1, {"queued": 1}, [EXAMPLE], 1, DEFAULT_LIMIT),
            ),
        ),
        failures=(NotifierError(ErrorCode.NOT_FOUND, "there is no such batch"), *_BAD_PAGE),
    ),
    Route(
        door="deliveries",
        method="POST",
        path="/send",
        name="send",
        summary="Send a notification to a user's devices",
        headers=DeliveryHeaders,
        body=SendRequest,
        example=SendRequest(user_id="u-1", title="Order 17", body="Your order is on its way", priority=2),
        answers=(
            Answer(
                status=202,
                description="Stored.",
                body=SendAnswer,
                example=SendAnswer(ID, Status.QUEUED),
                headers=_TAKEN_HEADERS,
            ),
        ),
        failures=(
            NotifierError(ErrorCode.INVALID, "1 field is not valid", [FieldError("body", "is required")]),
            _REUSED,
            _LIMITED,
        ),
    ),
)
