"""Types of the messages of a user's WebSocket. Those of clients' messages are in `domain.protocol`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from notifier.domain.protocol import (
    MAX_RETENTION_DAYS,
    Mark,
    MarkData,
    Query,
    QueryData,
    Read,
    ReadAll,
    ReadAllData,
    ReadData,
    Retention,
    RetentionData,
    Sync,
    SyncData,
)
from notifier.web.endpoints.fields import ID, STREAM_ID, TIME, Count, Notification, StreamId, Time, Uuid
from notifier.web.endpoints.own_inbox import PAGE, REV, Counts, Page, Rev

_WHOLE = ["created_at", "source"]  # of whatever is not cleared


def _implies(member: str, other: str) -> dict[str, Any]:
    """The schema of two members of which the first is true only with the second."""
    true = {"const": True}
    return {"if": {"properties": {member: true}}, "then": {"properties": {other: true}}}


class Pushed(Notification, kw_only=True):
    """A notification. One that expired unread is `auto_cleared` and carries the ids, an empty message and no more."""

    stream_id: StreamId
    message: str
    created_at: Time | UnsetType = UNSET
    source: str | UnsetType = UNSET
    status: Literal["unread", "read", "auto_cleared"]
    read: bool
    revision: Annotated[int, Meta(ge=2, description="After changes by its sender.")] | UnsetType = UNSET

    schema_together: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"properties": {"status": {"const": "unread"}, "read": {"const": False}}, "required": _WHOLE},
            {"properties": {"status": {"const": "read"}, "read": {"const": True}}, "required": _WHOLE},
            {"properties": {"status": {"const": "auto_cleared"}, "read": {"const": False}, "message": {"const": ""}}},
        ]
    }


class Push(Struct, tag="notification.push"):
    """A notification: of the inbox on connect, then each as it comes. At most once per connection; one that expires
    later follows as `auto_cleared`."""

    data: Pushed


class Acknowledged(Struct):
    """The ids of a notification."""

    notification_id: Uuid
    stream_id: StreamId


class ReadAck(Struct, tag="notification.read.ack"):
    """A notification is marked read; every connection of the user is told. After `notification.read_all`, one each."""

    data: Acknowledged


class SyncResponse(Struct, tag="sync.response"):
    """The page of the inbox that was asked for, oldest first."""

    data: list[Pushed]


class SyncCounts(Struct):
    """Counts of the inbox at the time of the connect."""

    pending: Annotated[int, Meta(ge=0, description="Unread notifications.")]
    total: Count
    counts: Annotated[Counts, Meta(description="With `events=counts`.")] | UnsetType = UNSET
    rev: Rev | UnsetType = UNSET

    schema_together: ClassVar[dict[str, Any]] = {"dependentRequired": {"counts": ["rev"], "rev": ["counts"]}}


class SyncComplete(Struct, tag="sync.complete"):
    """The inbox has been sent; what follows is live."""

    data: SyncCounts


class StateData(Struct, kw_only=True):
    """The states of a notification."""

    notification_id: Uuid
    stream_id: StreamId
    seen: bool
    read: bool
    archived: bool
    snoozed_until: Time | None
    acted: bool
    rev: Rev

    schema_together: ClassVar[dict[str, Any]] = {
        "allOf": [_implies("read", "seen"), _implies("acted", "read"), _implies("archived", "read")]
    }


class State(Struct, tag="notification.state"):
    """A notification is in other states; with `events=states`. On connect, of those that `read` alone does not tell."""

    data: StateData


class UpdateData(Pushed, kw_only=True):
    """A notification as it reads by now."""

    revision: Annotated[int, Meta(ge=1, description="Grows by one with each change by its sender.")]


class Update(Struct, tag="notification.update"):
    """The sender changed a notification, or it is back before its time; with `events=states`."""

    data: UpdateData


class RemovedData(Struct):
    """A notification that is in the inbox no more."""

    notification_id: Uuid
    reason: Literal["retracted"]


class Removed(Struct, tag="notification.removed"):
    """The sender took a notification back; with `events=states`. To other clients one that was unread is cleared."""

    data: RemovedData


class CountsData(Counts):
    """The counts of the main list: what is neither archived nor snoozed."""

    rev: Rev


class InboxCounts(Struct, tag="inbox.counts"):
    """The counts after a change, at most every 50 ms; with `events=counts`."""

    data: CountsData


class ResultData(Page, kw_only=True):
    """A page, with the `ref` of its query."""

    ref: str | None


class InboxResult(Struct, tag="inbox.result"):
    """The answer to an `inbox.query`."""

    data: ResultData


class RetentionDays(Struct):
    """For how long."""

    days: Annotated[int, Meta(ge=1, le=MAX_RETENTION_DAYS)]


class RetentionAck(Struct, tag="retention.ack"):
    """The user's retention is set."""

    data: RetentionDays


class ErrorData(Struct):
    """The error of one message."""

    code: Literal["bad_message", "unknown_type", "invalid", "not_found", "rate_limited", "unavailable"]
    message: str
    in_reply_to: Annotated[str | None, Meta(description="The type of that message, null where it had none.")]


class Error(Struct, tag="error"):
    """A message of the client was not carried out. The connection stays open."""

    data: ErrorData


class Said(Struct, frozen=True):
    """A message: its type, and an example of it."""

    struct: type[Struct]
    example: Any


_PUSHED = Pushed(
    notification_id=ID,
    stream_id=STREAM_ID,
    message="Your order is on its way",
    created_at=TIME,
    source="shop",
    status="unread",
    read=False,
)

BY_SERVER = (
    Said(Push, Push(_PUSHED)),
    Said(ReadAck, ReadAck(Acknowledged(ID, STREAM_ID))),
    Said(SyncResponse, SyncResponse([_PUSHED])),
    Said(SyncComplete, SyncComplete(SyncCounts(pending=1, total=1))),
    Said(
        State,
        State(
            StateData(
                notification_id=ID,
                stream_id=STREAM_ID,
                seen=True,
                read=False,
                archived=False,
                snoozed_until=None,
                acted=False,
                rev=REV,
            )
        ),
    ),
    Said(Update, Update(UpdateData(**structs.asdict(_PUSHED) | {"revision": 2}))),
    Said(Removed, Removed(RemovedData(ID, "retracted"))),
    Said(InboxCounts, InboxCounts(CountsData(3, 1, 57, REV))),
    Said(InboxResult, InboxResult(ResultData(**structs.asdict(PAGE) | {"ref": "r1"}))),
    Said(RetentionAck, RetentionAck(RetentionDays(7))),
    Said(Error, Error(ErrorData("not_found", "no such notification in this inbox", "notification.read"))),
)
BY_CLIENT = (
    Said(Read, Read(ReadData(ID, STREAM_ID))),
    Said(ReadAll, ReadAll(ReadAllData(STREAM_ID))),
    Said(Sync, Sync(SyncData(limit=50, before=STREAM_ID))),
    Said(Mark, Mark(MarkData(mark="archived", ids=[ID]))),
    Said(Query, Query(QueryData(status="unread", ref="r1"))),
    Said(Retention, Retention(RetentionData(7))),
)

# What to do when the server closes.
CLOSE_CODES = {
    1000: ("an operator closed the connection", "reconnect if the user is still there"),
    1002: ("a frame broke the protocol", "mend the client"),
    1003: ("a frame was binary", "mend the client"),
    1007: ("a frame was no valid UTF-8", "mend the client"),
    1008: ("too many messages, or twenty that are none", "do not reconnect"),
    1009: ("a frame was larger than `MAX_FRAME`", "mend the client"),
    1011: ("something failed here; it is logged", "reconnect with backoff"),
    1012: ("the server restarts, or its store holds other data", "reconnect with backoff"),
    1013: ("the client read too slowly, or the store is away", "reconnect with backoff"),
    4401: ("the token has expired, or its key was revoked", "get a new token, then reconnect"),
}
