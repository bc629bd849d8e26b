"""The upgrade to WebSocket, described; what is said over it stands in `asyncapi`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sanic.exceptions import SanicException

from notifier.errors import ErrorCode, NotifierError
from notifier.web.api.common import Login, UserId, bad_query
from notifier.web.api.route import Answer, Route


class SocketQuery(Struct):
    """Whose inbox. Browsers, which can set no header here, may say the token in the query."""

    user_id: Annotated[UserId, Meta(examples=[1])]
    login: Annotated[Login, Meta(examples=["alice"])]
    token: Annotated[str, Meta(description="A user's JWT, where it is not in `Authorization` or a subprotocol.")] = ""


ROUTES = (
    Route(
        door="ws",
        method="GET",
        path="/ws",
        name="open_inbox",
        summary="Open a user's inbox over WebSocket",
        description="The messages are described at `/docs/websocket` and in `/asyncapi.json`. A token may also travel "
        "as subprotocols `notifier.v1, bearer.<token>`.",
        query=SocketQuery,
        answers=(
            Answer(
                status=101,
                description="The connection is a WebSocket now.",
                headers=("Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"),
            ),
        ),
        failures=(
            NotifierError(ErrorCode.BAD_REQUEST, "name a user by user_id (1-9007199254740991) and login"),
            NotifierError(ErrorCode.BAD_REQUEST, "this path speaks WebSocket: ask for an upgrade"),
            NotifierError(ErrorCode.FORBIDDEN, "this token is not for this user"),
            NotifierError(ErrorCode.FORBIDDEN, "this origin is not allowed; see ALLOWED_ORIGINS"),
            bad_query("colour", "unknown parameter"),
            SanicException(
                "only version 13 of WebSocket is spoken here", status_code=426, headers={"Sec-WebSocket-Version": "13"}
            ),
            NotifierError(ErrorCode.RATE_LIMITED, "too many connections of this user", retry_after=10.0),
        ),
    ),
)
