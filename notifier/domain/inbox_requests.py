"""Requests for notifications of the inbox, as types: to named users, and to all connected users.

`/notify` itself is read by hand-written checks (`domain/notifications.py`), which are several times as fast; a test
holds them against `NotifyRequest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.fields import (
    Category,
    Data,
    Key,
    Login,
    Message,
    Moment,
    OnSame,
    Priority,
    Source,
    Title,
    Ttl,
    Url,
    UserId,
)
from notifier.domain.notifications import MAX_TARGETS, Content, content_of
from notifier.domain.reading import given
from notifier.errors import FieldError


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """A user."""

    id: UserId
    login: Login


class BroadcastRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A notification for all connected users."""

    message: Message
    created_at: Moment | UnsetType = UNSET
    source: Source = ""
    title: Title | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    priority: Annotated[Priority, Meta(description="For display.")] | UnsetType = UNSET
    data: Data | UnsetType = UNSET
    ttl: Ttl | UnsetType = UNSET

    def content(self, now: str) -> Content:
        """The content to store; `now` is the time (RFC 3339) that `created_at` defaults to."""
        return content_of(given(self), now)


class NotifyRequest(BroadcastRequest, forbid_unknown_fields=True, kw_only=True):
    """One notification for each of the targets."""

    target: Annotated[list[Target], Meta(min_length=1, max_length=MAX_TARGETS, description="Two equal ones are one.")]
    key: (
        Annotated[
            Key, Meta(description="What it is about, such as `build-42`: a later one of this sender takes its place.")
        ]
        | UnsetType
    ) = UNSET
    on_same: (
        Annotated[
            OnSame,
            Meta(
                description="Where one of this key is there: `bump` puts the new one at the end, unread; `replace` "
                "gives the old one its text and leaves its states; `keep` leaves the old one as it is."
            ),
        ]
        | UnsetType
    ) = UNSET
    deliver_at: Annotated[Moment, Meta(description="When it is to come, within 15 days.")] | UnsetType = UNSET


class UpdateRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """New contents of a notification; what is not named stays."""

    message: Message | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    priority: Annotated[Priority, Meta(description="For display.")] | UnsetType = UNSET
    data: Data | UnsetType = UNSET

    schema_together: ClassVar[dict[str, Any]] = {"minProperties": 1}

    @staticmethod
    def problems_together(values: Mapping[str, Any]) -> Iterator[FieldError]:
        """A request that changes nothing."""
        if not values:
            yield FieldError("", "must name at least one of message, title, url, category, priority, data")
