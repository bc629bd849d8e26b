"""The operators' API, `/api/v1/admin/`."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

import msgspec
from sanic import Blueprint, HTTPResponse, Request

from notifier.domain.notifications import read_broadcast_request
from notifier.domain.times import format_time
from notifier.domain.users import parse_pair, parse_user_key
from notifier.errors import ErrorCode, NotifierError
from notifier.service.operate import Operations
from notifier.service.publish import Publisher
from notifier.web.audit import audit
from notifier.web.entries import entry, history_entry
from notifier.web.requests import Query, json_body, json_response

_encode = msgspec.json.Encoder().encode


def admin_door(operations: Operations, publisher: Publisher, now: Callable[[], float]) -> Blueprint:
    """The routes of the admin API, but for the stream of events."""
    door = Blueprint("admin", url_prefix="/api/v1/admin")
    _connections(door, operations)
    _inboxes(door, operations)
    _cluster(door, operations, publisher, now)
    return door


def _connections(door: Blueprint, operations: Operations) -> None:
    @door.get("/clients")
    async def clients(request: Request) -> HTTPResponse:
        query = Query(request, "limit cursor")
        limit, cursor = query.limit(), query.text("cursor")
        query.done()
        rows, total, next_cursor = await operations.clients(cursor, limit)
        return json_response(_encode({"clients": rows, "total": total, "next_cursor": next_cursor}))

    @door.delete("/clients/<connection_id:str>")
    async def disconnect(request: Request, connection_id: str) -> HTTPResponse:
        await operations.disconnect(connection_id)
        audit(request, "disconnect", connection_id, connection_id=connection_id)
        return HTTPResponse(status=204)


def _inboxes(door: Blueprint, operations: Operations) -> None:
    @door.get("/users")
    async def users(request: Request) -> HTTPResponse:
        query = Query(request, "q limit cursor")
        prefix, limit, cursor = query.text("q", most=160), query.limit(), query.text("cursor", most=600)
        query.done()
        rows, total, next_cursor = await operations.users(prefix, cursor, limit)
        return json_response(_encode({"users": rows, "total": total, "next_cursor": next_cursor}))

    @door.get("/users/<key:str>")
    async def user(request: Request, key: str) -> HTTPResponse:
        return json_response(_encode(await operations.user(_known_key(key))))

    @door.delete("/users/<key:str>/pending")
    async def clear(request: Request, key: str) -> HTTPResponse:
        cleared = await operations.clear(_known_key(key))
        audit(request, "clear", key, user_id=key, cleared=cleared)
        return json_response(_encode({"cleared": cleared}))

    @door.get("/pending")
    async def pending(request: Request) -> HTTPResponse:
        query = Query(request, "limit cursor")
        limit, cursor = query.limit(), query.text("cursor", most=600)
        query.done()
        page = await operations.pending(cursor, limit)
        total, with_pending, _ = await operations.pending_totals()
        users = {key: [entry(row) for row in rows] for key, rows in page.users.items()}
        body = {"pending_notifications": users, "total_pending": total, "users_with_pending": with_pending}
        return json_response(_encode(body | {"next_cursor": page.cursor}))

    @door.get("/history")
    async def history(request: Request) -> HTTPResponse:
        query = Query(request, "user_id login limit")
        user = parse_pair(query.text("user_id"), query.text("login"))
        if user is None:
            query.bad("user_id", "name a user by user_id and login")
        limit = query.limit()
        query.done()
        assert user is not None
        rows, total = await operations.history(user.key, limit)
        who = {"user_id": user.id, "login": user.login}
        body = {"user": who, "notifications": [history_entry(row) for row in rows], "total": total}
        return json_response(_encode(body))


def _cluster(door: Blueprint, operations: Operations, publisher: Publisher, now: Callable[[], float]) -> None:
    @door.get("/pods")
    async def pods(request: Request) -> HTTPResponse:
        rows = [{name: value for name, value in row.items() if name != "latency"} for row in await operations.pods()]
        return json_response(_encode({"pods": rows}))

    @door.post("/broadcast")
    async def broadcast(request: Request) -> HTTPResponse:
        content = read_broadcast_request(json_body(request), format_time(now()))
        accepted = await publisher.broadcast(await operations.connected_users(), content)
        audit(request, "broadcast", "all", accepted=accepted)
        return json_response(_encode({"accepted": accepted}), 202)


def _known_key(text: str) -> str:
    key = unquote(text)
    if parse_user_key(key) is None:
        raise NotifierError(ErrorCode.NOT_FOUND, "no such user")
    return key
