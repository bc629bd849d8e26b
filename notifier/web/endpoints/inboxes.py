"""`/api/v1/admin/users`, `pending` and `history`: the users' inboxes, as operators see them."""

from __future__ import annotations

from typing import Annotated, Literal, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.entries import Entry as StoredEntry
from notifier.domain.fields import Key, Login, Ttl, UserId, text
from notifier.domain.states import Kept, times_of
from notifier.domain.users import parse_user_key
from notifier.errors import ErrorCode, NotifierError
from notifier.service.operate import Operations
from notifier.web.endpoints.clients import CLIENT, Client
from notifier.web.endpoints.fields import (
    ID,
    NO_INBOX_USER,
    OPERATORS,
    STREAM_ID,
    TIME,
    Count,
    Limit,
    LongCursor,
    NextCursor,
    Notification,
    StreamId,
    Time,
    UserPair,
    Uuid,
)
from notifier.web.http.audit import audit
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, delete, get

PREFIX = "/api/v1/admin"

UserKey = Annotated[str, Meta(description="The user key, `1-alice`.", examples=["1-alice"])]


class KnownUser(UserPair):
    """A user with something in the inbox, or connected."""

    connections: Count
    pending: Annotated[int, Meta(ge=0, description="Unread notifications.")]


class UsersPage(Struct, kw_only=True):
    """Users by key."""

    users: list[KnownUser]
    total: Count
    next_cursor: NextCursor


class UsersQuery(Struct):
    """A page of the users."""

    q: text(0, 160, "What the user key, or else the login, begins with.") = ""  # type: ignore[valid-type]
    limit: Limit = 100
    cursor: LongCursor = ""


class UserReport(Struct, kw_only=True):
    """All that is known of a user."""

    user: UserPair
    connections: list[Client]
    pending: Count
    stored: Count
    lock_owner: Annotated[str | None, Meta(description="The instance that reads this user's stream.")]
    retention_days: Annotated[int, Meta(ge=1, le=15)] | None


class ClearedCount(Struct):
    """The number of notifications that were removed."""

    cleared: Count


class PayloadTarget(Struct):
    """The user whose notification it is."""

    id: UserId
    login: Login


class Payload(Notification, kw_only=True):
    """A notification as it is stored."""

    message: str
    created_at: Time
    source: str
    revision: Annotated[int, Meta(ge=1, description="After changes by its sender.")] | UnsetType = UNSET
    target: PayloadTarget
    ttl: Ttl | UnsetType = UNSET
    key: Key | UnsetType = UNSET


class Entry(Struct, kw_only=True):
    """A notification in an inbox."""

    id: StreamId
    payload: Annotated[Payload | None, Meta(description="null once it has expired.")]
    read: bool


class HistoryEntry(Entry, kw_only=True):
    """The same with its state."""

    notification_id: Uuid
    status: Literal["unread", "read", "auto_cleared"]
    seen_at: Time | None = None
    read_at: Time | None = None
    archived_at: Time | None = None
    snoozed_until: Time | None = None
    acted_at: Time | None = None


class PendingPage(Struct, kw_only=True):
    """Unread notifications by user key, oldest first."""

    pending_notifications: dict[str, list[Entry]]
    total_pending: Count
    users_with_pending: Count
    next_cursor: NextCursor


class PendingQuery(Struct):
    """A page of the unread notifications."""

    limit: Limit = 100
    cursor: LongCursor = ""


class HistoryQuery(Struct):
    """The user whose history it is, and how much of it."""

    user_id: Annotated[UserId, Meta(examples=[1])]
    login: Annotated[Login, Meta(examples=["alice"])]
    limit: Limit = 100


class History(Struct, kw_only=True):
    """The notifications that an inbox holds, newest first."""

    user: UserPair
    notifications: list[HistoryEntry]
    total: Count


_PAYLOAD = Payload(
    notification_id=ID,
    message="Your order is on its way",
    created_at=TIME,
    source="shop",
    target=PayloadTarget(1, "alice"),
)
_REPORT = UserReport(
    user=UserPair(1, "alice"), connections=[CLIENT], pending=1, stored=2, lock_owner="pod-a", retention_days=None
)
_PENDING = PendingPage(
    pending_notifications={"1-alice": [Entry(id=STREAM_ID, payload=_PAYLOAD, read=False)]},
    total_pending=1,
    users_with_pending=1,
    next_cursor=None,
)
_HISTORY = History(
    user=UserPair(1, "alice"),
    notifications=[HistoryEntry(id=STREAM_ID, payload=_PAYLOAD, read=True, notification_id=ID, status="read")],
    total=1,
)


class InboxEndpoints(Endpoints):
    """The routes of users and their inboxes."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    @get(
        f"{PREFIX}/users",
        "List known users",
        answers=(Answer(example=UsersPage(users=[KnownUser(1, "alice", 1, 2)], total=1, next_cursor=None)),),
    )
    async def list_users(self, call: Call, query: UsersQuery) -> UsersPage:
        rows, total, cursor = await self._operations.users(query.q, query.cursor, query.limit)
        return UsersPage(users=[KnownUser(**row) for row in rows], total=total, next_cursor=cursor)

    @get(
        f"{PREFIX}/users/{{key}}",
        "Tell what is known of one user",
        answers=(Answer(example=_REPORT),),
        failures=(NO_INBOX_USER,),
    )
    async def get_user(self, call: Call, key: UserKey) -> UserReport:
        return msgspec.convert(await self._operations.user(_known(key)), UserReport)

    @delete(
        f"{PREFIX}/users/{{key}}/pending",
        "Remove what a user has unread",
        description="The user is told, as of what has expired.",
        answers=(Answer(example=ClearedCount(1)),),
        failures=(NO_INBOX_USER,),
    )
    async def clear_pending(self, call: Call, key: UserKey) -> ClearedCount:
        cleared = await self._operations.clear(_known(key))
        audit(call, "clear", key, user_id=key, cleared=cleared)
        return ClearedCount(cleared)

    @get(f"{PREFIX}/pending", "List unread notifications of all users", answers=(Answer(example=_PENDING),))
    async def list_pending(self, call: Call, query: PendingQuery) -> PendingPage:
        page = await self._operations.pending(query.cursor, query.limit)
        total, with_pending, _ = await self._operations.pending_totals()
        return PendingPage(
            pending_notifications={key: [_entry(row) for row in rows] for key, rows in page.users.items()},
            total_pending=total,
            users_with_pending=with_pending,
            next_cursor=page.cursor,
        )

    @get(f"{PREFIX}/history", "Show one user's inbox, newest first", answers=(Answer(example=_HISTORY),))
    async def get_history(self, call: Call, query: HistoryQuery) -> History:
        user = UserPair(query.user_id, query.login)
        rows, total = await self._operations.history(f"{user.user_id}-{user.login}", query.limit)
        return History(user=user, notifications=[_history_entry(row) for row in rows], total=total)


def _known(key: str) -> str:
    if parse_user_key(key) is None:
        raise NotifierError(ErrorCode.NOT_FOUND, "no such user")
    return key


def _payload(row: StoredEntry | Kept) -> Payload | None:
    """The payload as it is stored: JSON that is passed on without being decoded, None once it has expired."""
    return None if row.payload is None else cast(Payload, msgspec.Raw(row.payload))


def _entry(row: StoredEntry) -> Entry:
    return Entry(id=row.stream_id.decode(), payload=_payload(row), read=row.read)


def _history_entry(row: Kept) -> HistoryEntry:
    return HistoryEntry(
        id=row.stream_id,
        payload=_payload(row),
        read=row.read,
        notification_id=row.notification_id,
        status="auto_cleared" if row.payload is None else "read" if row.read else "unread",
        **times_of(row),
    )
