"""Types of deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.addresses import MAX_MAILBOX, MAX_TOKEN, MAX_URL
from notifier.domain.deliveries import MAX_BATCH, MAX_CONTENT, MAX_KEY, MAX_RETRIES, MAX_SUBJECT, MAX_USER_ID
from notifier.domain.status import Status
from notifier.web.api.common import ID, TIME, Count, Time, Uuid, text
from notifier.web.api.notify import Data, Moment, NotifyHeaders, Priority
from notifier.web.api.problem import FieldProblem

Channel: TypeAlias = Literal["sms", "email", "push", "webhook", "inapp"]
Content: TypeAlias = text(1, MAX_CONTENT, "The text itself: any but NUL and lone surrogates.")  # type: ignore[valid-type]
Subject: TypeAlias = text(0, MAX_SUBJECT)  # type: ignore[valid-type]
AnyPriority: TypeAlias = (
    Priority | Annotated[int, Meta(ge=0, le=3, description="The same as a number: 0 low, 1 normal, 2 and 3 high.")]
)
DeliveryUser: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_USER_ID,
        description="Text without control characters. Without a `recipient` the user's sessions have the addresses.",
        extra_json_schema={"pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$"},
    ),
]
Key: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MAX_KEY, description="As the header.", extra_json_schema={"pattern": "^[ -~]+$"})
]
Retries: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_RETRIES, description="Tries after the first.")]
_NUMBER = Meta(description="E.164.", extra_json_schema={"pattern": r"^\+[1-9][0-9]{6,14}$"})
_MAILBOX = Meta(max_length=MAX_MAILBOX, extra_json_schema={"format": "email"})
_TOKEN = Meta(
    min_length=1, max_length=MAX_TOKEN, description="A device token.", extra_json_schema={"pattern": "^[!-~]+$"}
)
_WEB_URL = Meta(max_length=MAX_URL, extra_json_schema={"pattern": r"^https?://[^\s@]+$"})
_USER_KEY = Meta(description="A user key, `1-alice`.", extra_json_schema={"pattern": "^[1-9][0-9]{0,15}-.+$"})


class DeliveryFields(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="channel"):
    """What all channels take."""

    content: Content
    user_id: DeliveryUser | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    title: Annotated[Subject, Meta(description="Another name of `subject`: give one of them.")] | UnsetType = UNSET
    data: Data | UnsetType = UNSET
    priority: AnyPriority = "normal"
    scheduled_at: Moment | UnsetType = UNSET
    expires_at: Annotated[Moment, Meta(description="Later than `scheduled_at`.")] | UnsetType = UNSET
    max_retries: Retries | UnsetType = UNSET
    idempotency_key: Key | UnsetType = UNSET


class SmsRequest(DeliveryFields, tag="sms", kw_only=True, forbid_unknown_fields=True):
    """A text message. `recipient` or `user_id` is required, as for every channel."""

    recipient: Annotated[str, _NUMBER] | UnsetType = UNSET


class EmailRequest(DeliveryFields, tag="email", kw_only=True, forbid_unknown_fields=True):
    """A mail."""

    recipient: Annotated[str, _MAILBOX] | UnsetType = UNSET


class PushRequest(DeliveryFields, tag="push", kw_only=True, forbid_unknown_fields=True):
    """A push notification: to a device, or to all of the user's."""

    recipient: Annotated[str, _TOKEN] | UnsetType = UNSET


class WebhookRequest(DeliveryFields, tag="webhook", kw_only=True, forbid_unknown_fields=True):
    """A signed POST to a URL."""

    recipient: Annotated[str, _WEB_URL]


class InappRequest(DeliveryFields, tag="inapp", kw_only=True, forbid_unknown_fields=True):
    """A notification in the user's inbox."""

    recipient: Annotated[str, _USER_KEY] | UnsetType = UNSET


DeliveryRequest: TypeAlias = SmsRequest | EmailRequest | PushRequest | WebhookRequest | InappRequest


class DeliveryHeaders(NotifyHeaders):
    """What makes a repeat harmless."""


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
    limit: Annotated[int, Meta(ge=1, le=100)]
    total: Count
    total_is_minimum: (
        Annotated[Literal[True], Meta(description="There may be more: filters were combined over too many to count.")]
        | UnsetType
    ) = UNSET


class BatchRequest(Struct, forbid_unknown_fields=True):
    """Up to a thousand deliveries. What is not valid among them is answered with its errors; the others are taken."""

    notifications: Annotated[list[DeliveryRequest], Meta(min_length=1, max_length=MAX_BATCH)]


class BatchItem(Struct):
    """What came of one: its id, or what is wrong with it."""

    index: Count
    id: Uuid | UnsetType = UNSET
    errors: list[FieldProblem] | UnsetType = UNSET


class BatchAnswer(Struct):
    """What came of each."""

    batch_id: Uuid
    total: Count
    accepted: Count
    rejected: Count
    notifications: list[BatchItem]


class BatchReport(Struct):
    """How a batch stands."""

    batch_id: Uuid
    total: Count
    statuses: Annotated[dict[str, int], Meta(description="How many are in which status.")]
    notifications: list[Delivery]
    page: Annotated[int, Meta(ge=1)]
    limit: Annotated[int, Meta(ge=1, le=100)]


class SendRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """A delivery in the words of the queue-fed pipeline."""

    user_id: DeliveryUser
    body: Content
    title: Subject | UnsetType = UNSET
    priority: AnyPriority = "normal"
    data: Data | UnsetType = UNSET
    channel: Channel = "push"
    recipient: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN)] | UnsetType = UNSET
    idempotency_key: Key | UnsetType = UNSET


class SendAnswer(Struct):
    """The delivery that was stored."""

    id: Uuid
    status: Status


EXAMPLE = Delivery(
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
ATTEMPT = Attempt(TIME, "simulator", "sent", "", 51.2)
EXAMPLE_REQUEST: Any = SmsRequest(recipient="+905551234567", content="Your code is 123456", priority="high")
