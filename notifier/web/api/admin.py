"""The operators' API, described."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.errors import ErrorCode, NotifierError
from notifier.web.api.common import (
    BAD_PAGE,
    ID,
    MALFORMED_QUERY,
    STREAM_ID,
    TIME,
    Count,
    Limit,
    Login,
    LongCursor,
    NextCursor,
    PageQuery,
    Seconds,
    StreamId,
    Time,
    UserId,
    Uuid,
    bad_query,
    text,
)
from notifier.web.api.notify import UNKNOWN_FIELDS, BroadcastRequest, Category, Data, Priority, Title, Ttl, Url
from notifier.web.api.route import Answer, Route

ADMIN = "/api/v1/admin"


class Client(Struct, kw_only=True):
    """An open WebSocket."""

    connection_id: Uuid
    user_id: UserId
    login: Login
    pod_id: str
    remote: Annotated[str, Meta(description="The client's address.")]
    connected_at: Time
    last_seen: Time
    sent: Annotated[int, Meta(ge=0, description="Notifications pushed.")]
    acked: Annotated[int, Meta(ge=0, description="Notifications that this client marked read.")]
    buffered: Annotated[int, Meta(ge=0, description="Bytes that the client has not read yet.")]


class ClientsPage(Struct, kw_only=True):
    """Connections of all pods."""

    clients: list[Client]
    total: Count
    next_cursor: NextCursor


class ConnectionPath(Struct):
    """Names a connection."""

    connection_id: str


class UserPair(Struct):
    """A user."""

    user_id: UserId
    login: Login


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


class UserPath(Struct):
    """Names a user."""

    key: Annotated[str, Meta(description="The user key, `1-alice`.", examples=["1-alice"])]


class UserReport(Struct, kw_only=True):
    """All that is known of a user."""

    user: UserPair
    connections: list[Client]
    pending: Count
    stored: Count
    lock_owner: Annotated[str | None, Meta(description="The pod that reads this user's stream.")]
    retention_days: Annotated[int, Meta(ge=1, le=15)] | None


class Cleared(Struct):
    """How many were removed."""

    cleared: Count


class PayloadTarget(Struct):
    """Whose it is."""

    id: UserId
    login: Login


class Payload(Struct, kw_only=True):
    """A notification as it is stored."""

    notification_id: Uuid
    message: str
    created_at: Time
    source: str
    title: Title | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    data: Data | UnsetType = UNSET
    target: PayloadTarget
    ttl: Ttl | UnsetType = UNSET


class Entry(Struct, kw_only=True):
    """A notification in an inbox."""

    id: StreamId
    payload: Annotated[Payload | None, Meta(description="null once it has expired.")]
    read: bool


class HistoryEntry(Entry, kw_only=True):
    """The same with its state."""

    notification_id: Uuid
    status: Literal["unread", "read", "auto_cleared"]


class PendingPage(Struct, kw_only=True):
    """Unread notifications by user key, oldest first."""

    pending_notifications: dict[str, list[Entry]]
    total_pending: Count
    users_with_pending: Count
    next_cursor: NextCursor


class PendingQuery(Struct):
    """A page of what is unread."""

    limit: Limit = 100
    cursor: LongCursor = ""


class HistoryQuery(Struct):
    """Whose history, and how much of it."""

    user_id: Annotated[UserId, Meta(examples=[1])]
    login: Annotated[Login, Meta(examples=["alice"])]
    limit: Limit = 100


class History(Struct, kw_only=True):
    """What an inbox holds, newest first."""

    user: UserPair
    notifications: list[HistoryEntry]
    total: Count


class Pod(Struct, kw_only=True):
    """A serving process."""

    pod_id: str
    alive: bool
    version: str | None
    started_at: Time | None
    heartbeat_age_s: Seconds
    connections: Count
    locks: Annotated[int, Meta(ge=0, description="Users whose stream this pod reads.")]
    bus_lag: Annotated[int, Meta(ge=0, description="Messages on its bus that it has not read.")]


class Pods(Struct):
    """Every pod that beats."""

    pods: list[Pod]


class BroadcastAnswer(Struct):
    """To how many users it went."""

    accepted: Count


_CLIENT = Client(
    connection_id=ID,
    user_id=1,
    login="alice",
    pod_id="pod-a",
    remote="127.0.0.1",
    connected_at=TIME,
    last_seen=TIME,
    sent=2,
    acked=1,
    buffered=0,
)
_PAYLOAD = Payload(
    notification_id=ID,
    message="Your order is on its way",
    created_at=TIME,
    source="shop",
    target=PayloadTarget(1, "alice"),
)
_NO_USER = NotifierError(ErrorCode.NOT_FOUND, "no such user")


def _get(path: str, name: str, summary: str, body: Any, example: Struct, **more: Any) -> Route:
    answer = Answer(status=200, description=str(body.__doc__), body=body, example=example)
    return Route(
        door="admin", method="GET", path=f"{ADMIN}/{path}", name=name, summary=summary, answers=(answer,), **more
    )


ROUTES = (
    _get(
        "clients",
        "list_clients",
        "List open connections",
        ClientsPage,
        ClientsPage(clients=[_CLIENT], total=1, next_cursor=None),
        query=PageQuery,
        failures=BAD_PAGE,
    ),
    Route(
        door="admin",
        method="DELETE",
        path=f"{ADMIN}/clients/{{connection_id}}",
        name="disconnect_client",
        summary="Close a connection, on whichever pod",
        path_fields=ConnectionPath,
        answers=(Answer(status=204, description="It is closed."),),
        failures=(NotifierError(ErrorCode.NOT_FOUND, "no such connection"),),
    ),
    _get(
        "users",
        "list_users",
        "List known users",
        UsersPage,
        UsersPage(users=[KnownUser(1, "alice", 1, 2)], total=1, next_cursor=None),
        query=UsersQuery,
        failures=BAD_PAGE,
    ),
    _get(
        "users/{key}",
        "get_user",
        "Tell what is known of one user",
        UserReport,
        UserReport(
            user=UserPair(1, "alice"),
            connections=[_CLIENT],
            pending=1,
            stored=2,
            lock_owner="pod-a",
            retention_days=None,
        ),
        path_fields=UserPath,
        failures=(_NO_USER,),
    ),
    Route(
        door="admin",
        method="DELETE",
        path=f"{ADMIN}/users/{{key}}/pending",
        name="clear_pending",
        summary="Remove what a user has unread",
        description="The user is told, as of what has expired.",
        path_fields=UserPath,
        answers=(Answer(status=200, description=str(Cleared.__doc__), body=Cleared, example=Cleared(1)),),
        failures=(_NO_USER,),
    ),
    _get(
        "pending",
        "list_pending",
        "List unread notifications of all users",
        PendingPage,
        PendingPage(
            pending_notifications={"1-alice": [Entry(id=STREAM_ID, payload=_PAYLOAD, read=False)]},
            total_pending=1,
            users_with_pending=1,
            next_cursor=None,
        ),
        query=PendingQuery,
        failures=BAD_PAGE,
    ),
    _get(
        "history",
        "get_history",
        "Show one user's inbox, newest first",
        History,
        History(
            user=UserPair(1, "alice"),
            notifications=[
                HistoryEntry(id=STREAM_ID, payload=_PAYLOAD, read=True, notification_id=ID, status="read"),
            ],
            total=1,
        ),
        query=HistoryQuery,
        failures=(MALFORMED_QUERY, bad_query("user_id", "name a user by user_id and login")),
    ),
    _get(
        "pods",
        "list_pods",
        "List the pods",
        Pods,
        Pods(
            [
                Pod(
                    pod_id="pod-a",
                    alive=True,
                    version="0.1.0",
                    started_at=TIME,
                    heartbeat_age_s=1.2,
                    connections=1,
                    locks=1,
                    bus_lag=0,
                )
            ]
        ),
    ),
    Route(
        door="admin",
        method="POST",
        path=f"{ADMIN}/broadcast",
        name="broadcast",
        summary="Send a notification to everybody who is connected",
        body=BroadcastRequest,
        example=BroadcastRequest(message="We are back in five minutes", source="operations", priority="high"),
        answers=(
            Answer(
                status=202, description=str(BroadcastAnswer.__doc__), body=BroadcastAnswer, example=BroadcastAnswer(3)
            ),
        ),
        failures=(UNKNOWN_FIELDS,),
    ),
)
