"""The messages of the WebSocket: what a client may say, and the bytes of what the server says.

A message is a JSON object `{"type": …, "data": …}` in a text frame. Nothing here knows a socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.ids import STREAM_ID_FORM, is_stream_id
from notifier.domain.states import MAX_IDS, As, Counts, InboxFilter, Kept, times_of
from notifier.errors import ErrorCode, NotifierError

SYNC_LIMIT = 100
MAX_RETENTION_DAYS = 15
WHICH = ("ids", "up_to", "filter")  # the ways in which a mark names notifications

_encode = msgspec.json.Encoder().encode
# A stream id as a client names it; `read_message` checks it, of a read mark the store.
Place: TypeAlias = Annotated[str, Meta(extra_json_schema={"pattern": f"^{STREAM_ID_FORM}$"})]


class ReadData(Struct):
    notification_id: str
    stream_id: str


class Read(Struct, tag="notification.read"):
    """The user has seen one notification."""

    data: ReadData
    name: ClassVar[str] = "notification.read"


class ReadAllData(Struct):
    up_to: Place


class ReadAll(Struct, tag="notification.read_all"):
    """The user has seen all up to and including a stream id."""

    data: ReadAllData
    name: ClassVar[str] = "notification.read_all"


class SyncData(Struct):
    limit: Annotated[int, Meta(ge=1, le=SYNC_LIMIT)] = 50
    before: Place | None = None
    after: Place | None = None


class Sync(Struct, tag="sync.request"):
    """A page of the inbox: the newest `limit`, or those just before, just after, or between two stream ids."""

    data: SyncData = msgspec.field(default_factory=SyncData)
    name: ClassVar[str] = "sync.request"


class MarkData(Struct, kw_only=True, rename={"mark": "as"}):
    mark: As
    ids: Annotated[list[str], Meta(min_length=1, max_length=MAX_IDS)] | UnsetType = UNSET
    up_to: Place | UnsetType = UNSET
    filter: InboxFilter | UnsetType = UNSET

    schema_together: ClassVar[dict[str, Any]] = {"oneOf": [{"required": [name]} for name in WHICH]}


class Mark(Struct, tag="notification.mark"):
    """Notifications are marked: those with these ids, all up to and including a stream id, or those that a filter
    takes."""

    data: MarkData
    name: ClassVar[str] = "notification.mark"


class QueryData(InboxFilter, forbid_unknown_fields=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=SYNC_LIMIT)] = 50
    before: Place | None = None
    after: Place | None = None
    ref: Annotated[str, Meta(max_length=64)] | None = None


class Query(Struct, tag="inbox.query"):
    """A page of the inbox with all states, newest first: what `GET /api/v1/inbox` answers."""

    data: QueryData = msgspec.field(default_factory=QueryData)
    name: ClassVar[str] = "inbox.query"


class RetentionData(Struct):
    days: Annotated[int, Meta(ge=1, le=MAX_RETENTION_DAYS)]


class Retention(Struct, tag="retention.set"):
    """For how many days the user wants notifications kept."""

    data: RetentionData
    name: ClassVar[str] = "retention.set"


Command: TypeAlias = Read | ReadAll | Sync | Retention | Mark | Query

_COMMANDS = {command.name for command in (Read, ReadAll, Sync, Retention, Mark, Query)}
_decoder = msgspec.json.Decoder(Command)
_decode_read = msgspec.json.Decoder(Read).decode


class MessageError(NotifierError):
    """A message that cannot be carried out; `in_reply_to` is its type where it had one."""

    def __init__(self, code: ErrorCode, message: str, in_reply_to: str | None = None) -> None:
        super().__init__(code, message)
        self.in_reply_to = in_reply_to


def read_message(text: bytes) -> Command:
    """The command in a text frame; raises `MessageError` with `bad_message`, `unknown_type` or `invalid`."""
    try:
        command: Command = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(text, str(error)) from None
    _check_stream_ids(command)
    return command


def _check_stream_ids(command: Command) -> None:
    if type(command) is ReadAll and not is_stream_id(command.data.up_to):
        raise MessageError(ErrorCode.INVALID, "data.up_to must be a stream id", command.name)
    if type(command) is Mark:
        _check_mark(command.data)
    if type(command) in (Sync, Query):
        for field in ("before", "after"):
            value = getattr(command.data, field)
            if value is not None and not is_stream_id(value):
                raise MessageError(ErrorCode.INVALID, f"data.{field} must be a stream id", command.name)


def _check_mark(data: MarkData) -> None:
    if sum(getattr(data, name) is not UNSET for name in WHICH) != 1:
        raise MessageError(ErrorCode.INVALID, f"data needs one of {', '.join(WHICH)}", Mark.name)
    if data.up_to is not UNSET and not is_stream_id(data.up_to):
        raise MessageError(ErrorCode.INVALID, "data.up_to must be a stream id", Mark.name)


def _explain(text: bytes, reason: str) -> MessageError:
    try:
        message: Any = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return MessageError(ErrorCode.BAD_MESSAGE, "the frame is no JSON")
    kind = message.get("type") if type(message) is dict else None
    if type(kind) is not str:
        return MessageError(ErrorCode.BAD_MESSAGE, 'a message is an object {"type": …, "data": …}')
    if kind not in _COMMANDS:
        return MessageError(ErrorCode.UNKNOWN_TYPE, f"known types are {', '.join(sorted(_COMMANDS))}", kind[:64])
    return MessageError(ErrorCode.INVALID, reason, kind)


def read_mark(text: bytes) -> tuple[bytes, bytes] | None:
    """Stream and notification id in a `notification.read`; None for any other text. The ids may be any text."""
    try:
        data = _decode_read(text).data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return data.stream_id.encode(), data.notification_id.encode()


def push_new(notification_id: bytes, stream_id: bytes, fragment: bytes) -> bytes:
    """As `push`, of one that is unread."""
    return (
        b'{"type":"notification.push","data":{"notification_id":"%b","stream_id":"%b",%b,"status":"unread","read":false}}'
    ) % (notification_id, stream_id, fragment)


def push(notification_id: bytes, stream_id: bytes, fragment: bytes, read: bool) -> bytes:
    """`notification.push` of one that is still in the inbox."""
    return b'{"type":"notification.push","data":' + push_data(notification_id, stream_id, fragment, read) + b"}"


def push_data(notification_id: bytes, stream_id: bytes, fragment: bytes, read: bool) -> bytes:
    """The push shape: the ids, what the sender said, status and `read`."""
    state = b'"status":"read","read":true}' if read else b'"status":"unread","read":false}'
    return b'{"notification_id":"%b","stream_id":"%b",%b,%b' % (notification_id, stream_id, fragment, state)


def pushed_id(text: bytes) -> bytes:
    """The notification id in a text that `push` made."""
    start = len(b'{"type":"notification.push","data":{"notification_id":"')
    return text[start : start + 36]


def push_cleared(notification_id: bytes, stream_id: bytes) -> bytes:
    """`notification.push` of one that expired unread: the ids and nothing of the text."""
    return (
        b'{"type":"notification.push","data":{"notification_id":"%b","stream_id":"%b",'
        b'"status":"auto_cleared","read":false,"message":""}}'
    ) % (notification_id, stream_id)


def is_cleared(text: bytes) -> bool:
    """True for a text that `push_cleared` made."""
    return text.endswith(b'"status":"auto_cleared","read":false,"message":""}}')


def read_ack(notification_id: bytes, stream_id: bytes) -> bytes:
    """`notification.read.ack`."""
    return b'{"type":"notification.read.ack","data":{"notification_id":"%b","stream_id":"%b"}}' % (
        notification_id,
        stream_id,
    )


def sync_response(items: Iterable[bytes]) -> bytes:
    """`sync.response` with items made by `push_data`, oldest first."""
    return b'{"type":"sync.response","data":[' + b",".join(items) + b"]}"


def sync_complete(pending: int, total: int, counts: Counts | None = None) -> bytes:
    """`sync.complete`: how many unread and how many in all the inbox held when the client connected; and its counts for
    a client that asked for them."""
    more = b"" if counts is None else b',"counts":{"unread":%d,"unseen":%d,"total":%d},"rev":%d' % counts
    return b'{"type":"sync.complete","data":{"pending":%d,"total":%d%b}}' % (pending, total, more)


def inbox_counts(counts: Counts) -> bytes:
    """`inbox.counts`."""
    return b'{"type":"inbox.counts","data":{"unread":%d,"unseen":%d,"total":%d,"rev":%d}}' % counts


def state(entry: Kept, rev: int) -> bytes:
    """`notification.state`: which states a notification is in, as of a revision of the inbox."""
    marks = entry.marks
    said: dict[str, Any] = {"notification_id": entry.notification_id, "stream_id": entry.stream_id, "seen": entry.seen}
    said |= {"read": entry.read, "archived": marks.archived is not None}
    said |= {"snoozed_until": times_of(entry)["snoozed_until"], "acted": marks.acted is not None, "rev": rev}
    return _encode({"type": "notification.state", "data": said})


def update(item: Mapping[str, Any]) -> bytes:
    """`notification.update`: what a notification says by now, in the push shape with its `revision`."""
    return _encode({"type": "notification.update", "data": item})


def removed(notification_id: str, reason: str) -> bytes:
    """`notification.removed`."""
    return _encode({"type": "notification.removed", "data": {"notification_id": notification_id, "reason": reason}})


def inbox_result(page: Mapping[str, Any], ref: str | None) -> bytes:
    """`inbox.result`, the answer to an `inbox.query`, with its `ref`."""
    return _encode({"type": "inbox.result", "data": {**page, "ref": ref}})


def retention_ack(days: int) -> bytes:
    """`retention.ack`."""
    return b'{"type":"retention.ack","data":{"days":%d}}' % days


def error(problem: NotifierError) -> bytes:
    """`error`: code, message and the type of the message that caused it, null where it had none."""
    return _encode(
        {
            "type": "error",
            "data": {
                "code": problem.code.value,
                "message": problem.message,
                "in_reply_to": getattr(problem, "in_reply_to", None),
            },
        }
    )
