"""`/api/v1/admin/clients`: open connections of all instances."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from notifier.domain.fields import Login, UserId
from notifier.errors import ErrorCode, NotifierError
from notifier.service.operate import Operations
from notifier.web.endpoints.fields import ID, OPERATORS, TIME, Count, NextCursor, PageQuery, Time, Uuid
from notifier.web.http.audit import audit
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, delete, get

CLIENTS = "/api/v1/admin/clients"


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
    """Connections of all instances, by their ids."""

    clients: list[Client]
    total: Count
    next_cursor: NextCursor


CLIENT = Client(
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


class ClientEndpoints(Endpoints):
    """The routes of connections."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    @get(
        CLIENTS,
        "List open connections",
        answers=(Answer(example=ClientsPage(clients=[CLIENT], total=1, next_cursor=None)),),
    )
    async def list_clients(self, call: Call, query: PageQuery) -> ClientsPage:
        rows, total, cursor = await self._operations.clients(query.cursor, query.limit)
        return ClientsPage(clients=msgspec.convert(rows, list[Client]), total=total, next_cursor=cursor)

    @delete(
        f"{CLIENTS}/{{connection_id}}",
        "Close a connection, on whichever instance",
        answers=(Answer(status=204, description="It is closed."),),
        failures=(NotifierError(ErrorCode.NOT_FOUND, "no such connection"),),
    )
    async def disconnect_client(self, call: Call, connection_id: str) -> None:
        await self._operations.disconnect(connection_id)
        audit(call, "disconnect", connection_id, connection_id=connection_id)
