"""Requests for deliveries, as types: one for each channel, a batch of them, and `/send`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeAlias, cast

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.addresses import address_problem
from notifier.domain.deliveries import MAX_BATCH, Draft, priority_of
from notifier.domain.faults import MAX_NAMED
from notifier.domain.fields import (
    AnyAddress,
    AnyPriority,
    Channel,
    Content,
    Data,
    DeliveryUser,
    DeviceToken,
    InboxKey,
    KeyText,
    Mailbox,
    Moment,
    PhoneNumber,
    Retries,
    Subject,
    WebUrl,
)
from notifier.domain.reading import apart, missing, otherwise, read_item
from notifier.domain.times import normalise_time, parse_time
from notifier.errors import FieldError

_NO_URL = "is required: a webhook goes to a URL"


class DeliveryFields(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="channel"):
    """The fields that all channels take."""

    content: Content
    user_id: DeliveryUser | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    title: Annotated[Subject, Meta(description="Another name of `subject`: give one of them.")] | UnsetType = UNSET
    data: Data | UnsetType = UNSET
    priority: AnyPriority = "normal"
    scheduled_at: Moment | UnsetType = UNSET
    expires_at: Annotated[Moment, Meta(description="Later than `scheduled_at`.")] | UnsetType = UNSET
    max_retries: Retries | UnsetType = UNSET
    idempotency_key: KeyText | UnsetType = UNSET

    def draft(self) -> Draft:
        """The request as services take it."""
        return Draft(
            channel=str(self.__struct_config__.tag),
            recipient=getattr(self, "recipient", None) or "",
            user_id=self.user_id or "",
            content=self.content,
            subject=self.subject or self.title or "",
            data=self.data or {},
            priority=priority_of(self.priority) or "normal",
            scheduled_at=normalise_time(self.scheduled_at) if self.scheduled_at else None,
            expires_at=normalise_time(self.expires_at) if self.expires_at else None,
            max_retries=None if self.max_retries is UNSET else self.max_retries,
            idempotency_key=self.idempotency_key or None,
        )

    @classmethod
    def problems_together(cls, values: Mapping[str, Any]) -> Iterator[FieldError]:
        """Two names of one field, and an end before the begin."""
        if "subject" in values and values.get("title") is not None:
            yield FieldError("title", "is another name of subject: give one of them")
        begin, end = values.get("scheduled_at"), values.get("expires_at")
        if begin is not None and end is not None and parse_time(begin) >= parse_time(end):
            yield FieldError("expires_at", "must be later than scheduled_at")


class UserDeliveryFields(DeliveryFields, kw_only=True, forbid_unknown_fields=True):
    """The fields of channels whose addresses the sessions of `user_id` may hold."""

    @classmethod
    def problems_together(cls, values: Mapping[str, Any]) -> Iterator[FieldError]:
        """As of all channels, and neither a recipient nor a user."""
        yield from super().problems_together(values)
        if "recipient" not in values and "user_id" not in values:
            yield FieldError("recipient", "is required where there is no user_id")


class SmsRequest(UserDeliveryFields, tag="sms", kw_only=True, forbid_unknown_fields=True):
    """A text message. `recipient` or `user_id` is required, as for every channel."""

    recipient: PhoneNumber | UnsetType = UNSET


class EmailRequest(UserDeliveryFields, tag="email", kw_only=True, forbid_unknown_fields=True):
    """A mail."""

    recipient: Mailbox | UnsetType = UNSET


class PushRequest(UserDeliveryFields, tag="push", kw_only=True, forbid_unknown_fields=True):
    """A push notification: to a device, or to all of the user's."""

    recipient: DeviceToken | UnsetType = UNSET


class WebhookRequest(DeliveryFields, tag="webhook", kw_only=True, forbid_unknown_fields=True):
    """A signed POST to a URL."""

    recipient: Annotated[WebUrl, Meta(extra=missing(_NO_URL))]


class InappRequest(UserDeliveryFields, tag="inapp", kw_only=True, forbid_unknown_fields=True):
    """A notification in the user's inbox."""

    recipient: InboxKey | UnsetType = UNSET

    @classmethod
    def problems_together(cls, values: Mapping[str, Any]) -> Iterator[FieldError]:
        """As of other channels, and a user who has no inbox."""
        yield from super().problems_together(values)
        if "recipient" not in values:
            yield from _inbox_problems(values)


class AnyRequest(UserDeliveryFields, kw_only=True, forbid_unknown_fields=True):
    """The fields of a request whose channel is not known."""

    recipient: AnyAddress | UnsetType = UNSET


DeliveryRequest: TypeAlias = Annotated[
    SmsRequest | EmailRequest | PushRequest | WebhookRequest | InappRequest, Meta(extra=otherwise(AnyRequest))
]


class BatchRequest(Struct, forbid_unknown_fields=True):
    """Up to a thousand deliveries. What is not valid among them is answered with its errors; the others are taken."""

    notifications: Annotated[
        list[DeliveryRequest],
        Meta(min_length=1, max_length=MAX_BATCH, extra=apart(f"must be a list of 1-{MAX_BATCH} notifications")),
    ]


class SendRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """A delivery in the words of the queue-fed pipeline."""

    user_id: DeliveryUser
    body: Content
    title: Subject | UnsetType = UNSET
    priority: AnyPriority = "normal"
    data: Data | UnsetType = UNSET
    channel: Channel = "push"
    recipient: AnyAddress | UnsetType = UNSET
    idempotency_key: KeyText | UnsetType = UNSET

    def draft(self) -> Draft:
        """The request as services take it."""
        return Draft(
            channel=self.channel,
            recipient=self.recipient or "",
            user_id=self.user_id,
            content=self.body,
            subject=self.title or "",
            data=self.data or {},
            priority=priority_of(self.priority) or "normal",
            scheduled_at=None,
            expires_at=None,
            max_retries=None,
            idempotency_key=self.idempotency_key or None,
        )

    @classmethod
    def problems_together(cls, values: Mapping[str, Any]) -> Iterator[FieldError]:
        """A recipient that is no address of the channel; a webhook without one; a user without an inbox."""
        channel, recipient = values.get("channel", "push"), values.get("recipient")
        if channel is not None and recipient is not None:
            problem = address_problem(channel, recipient)
            if problem is not None:
                yield FieldError("recipient", problem)
        elif channel == "webhook" and "recipient" not in values:
            yield FieldError("recipient", _NO_URL)
        elif channel == "inapp" and "recipient" not in values:
            yield from _inbox_problems(values)


def read_draft(body: object, most: int = MAX_NAMED) -> Draft | list[FieldError]:
    """The draft in one decoded request of many, or what is wrong with it: `most` fields are named, the others
    counted."""
    found = read_item(cast(type[DeliveryFields], DeliveryRequest), body, most)
    return found if isinstance(found, list) else found.draft()


def _inbox_problems(values: Mapping[str, Any]) -> Iterator[FieldError]:
    """A user who is to have it in the inbox, and whose name is no user key."""
    user = values.get("user_id")
    problem = None if user is None else address_problem("inapp", user)
    if problem is not None:
        yield FieldError("user_id", problem)
