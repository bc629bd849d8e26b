"""`POST /api/v1/notify`, described."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from notifier.domain.checks import MAX_DATA_BYTES, MAX_URL
from notifier.domain.limits import OverLimit, Quota
from notifier.domain.notifications import (
    MAX_CATEGORY,
    MAX_MESSAGE,
    MAX_SOURCE,
    MAX_TARGETS,
    MAX_TITLE,
    MAX_TTL,
    MIN_TTL,
)
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.publish import MAX_KEY
from notifier.web.api.common import ID, Login, UserId, Uuid, text
from notifier.web.api.route import Answer, Route

Priority: TypeAlias = Literal["high", "normal", "low"]
Url: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_URL,
        description="An absolute URL or a path from the root; no `javascript:`, `vbscript:` or `data:`.",
        extra_json_schema={"pattern": r"^(/|[A-Za-z][A-Za-z0-9+.\-]*://)[^\s\u0000-\u0020\u007f\u0085]*$"},
    ),
]
Moment: TypeAlias = Annotated[
    str,
    Meta(
        description="RFC 3339 with any offset; now where it is missing. Leap seconds are refused.",
        extra_json_schema={"format": "date-time"},
    ),
]
Data: TypeAlias = Annotated[
    dict[str, Any], Meta(description=f"Anything for the client, at most {MAX_DATA_BYTES} bytes as JSON; no NUL in it.")
]
# Exactly the durations within the bounds, but for zeros in front and fractions that lead over a bound.
_DURATION = "|".join(
    f"^({form})$"
    for form in (
        r"[1-9]\d{3,8}ms|1[01]\d{8}ms|12[0-8]\d{7}ms|129[0-5]\d{6}ms|1296000000ms",
        r"([1-9]\d{0,5}|1[01]\d{5}|12[0-8]\d{4}|129[0-5]\d{3})(\.\d{1,6})?s?|1296000s?",
        r"([1-9]\d{0,3}|1\d{4}|20\d{3}|21[0-5]\d{2})(\.\d{1,6})?m|21600m",
        r"([1-9]\d?|[12]\d{2}|3[0-5]\d)(\.\d{1,6})?h|360h",
        r"([1-9]|1[0-4])(\.\d{1,6})?d|15d",
    )
)
_LIFE = f"How long it is kept, {MIN_TTL:.0f}s-{MAX_TTL / 86400:.0f}d"
Ttl: TypeAlias = (
    Annotated[float, Meta(ge=MIN_TTL, le=MAX_TTL, description=f"{_LIFE}, in seconds.")]
    | Annotated[
        str,
        Meta(
            description=f"{_LIFE}: `500ms`, `5s`, `15m`, `24h`, `7d` or a number of seconds.",
            extra_json_schema={"pattern": _DURATION},
        ),
    ]
)
Message: TypeAlias = text(1, MAX_MESSAGE, "The text itself: any but NUL and lone surrogates.")  # type: ignore[valid-type]
Source: TypeAlias = text(0, MAX_SOURCE, "Who sends it.")  # type: ignore[valid-type]
Title: TypeAlias = text(0, MAX_TITLE)  # type: ignore[valid-type]
Category: TypeAlias = text(0, MAX_CATEGORY)  # type: ignore[valid-type]


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """A user."""

    id: UserId
    login: Login


class BroadcastRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What everybody is told who is connected."""

    message: Message
    created_at: Moment | UnsetType = UNSET
    source: Source = ""
    title: Title | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    priority: Annotated[Priority, Meta(description="For display.")] | UnsetType = UNSET
    data: Data | UnsetType = UNSET
    ttl: Ttl | UnsetType = UNSET


class NotifyRequest(BroadcastRequest, forbid_unknown_fields=True, kw_only=True):
    """One notification for each of the targets."""

    target: Annotated[list[Target], Meta(min_length=1, max_length=MAX_TARGETS, description="Two equal ones are one.")]


class NotifyHeaders(Struct):
    """What makes a repeat harmless."""

    idempotency_key: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_KEY,
            description="The same key with the same JSON value again gives the first answer, byte for byte, and "
            "creates nothing. `X-Idempotency-Key` is taken too.",
            extra_json_schema={"pattern": "^[ -~]+$"},
        ),
    ] = field(name="Idempotency-Key", default="")


class NotifyResult(Struct):
    """What was stored for a target."""

    target: Target
    notification_id: Uuid


class NotifyAnswer(Struct):
    """Everything named here is stored."""

    results: list[NotifyResult]


_ALICE = Target(1, "alice")
UNKNOWN_FIELDS = NotifierError(
    ErrorCode.INVALID,
    "2 fields are not valid",
    [FieldError("message", "is required"), FieldError("colour", "unknown field")],
)
LIMIT_HEADERS = ("RateLimit", "RateLimit-Policy")

ROUTES = (
    Route(
        door="notify",
        method="POST",
        path="/api/v1/notify",
        name="notify",
        summary="Send a notification to users' inboxes",
        description="All or nothing: with `202` every notification is stored, and survives a crash of the server or of "
        "its store. Whoever is connected gets it at once, everybody else on the next connect.",
        headers=NotifyHeaders,
        body=NotifyRequest,
        example=NotifyRequest(
            target=[_ALICE, Target(2, "bob")], message="Your order is on its way", source="shop", title="Order 17"
        ),
        answers=(
            Answer(
                status=202,
                description="Stored.",
                body=NotifyAnswer,
                example=NotifyAnswer([NotifyResult(_ALICE, ID)]),
                headers=("Idempotent-Replayed", *LIMIT_HEADERS),
            ),
        ),
        failures=(
            NotifierError(
                ErrorCode.INVALID,
                "2 fields are not valid",
                [
                    FieldError("target[1].id", "must be an integer of 1-9007199254740991"),
                    FieldError("message", "is required"),
                ],
            ),
            NotifierError(ErrorCode.INVALID, "this idempotency key was used for another request"),
            NotifierError(ErrorCode.CONFLICT, "the first request under this key is still running", retry_after=30.0),
            OverLimit(
                Quota("notify", 10, 60.0, 0, 12.0),
                [FieldError("target[0]", "1-alice is over the limit for another 12.0 s")],
            ),
        ),
    ),
)
