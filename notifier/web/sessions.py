"""`/api/v1/sessions` and `/ratelimit`: where users can be reached, and how often they still may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from sanic import Blueprint, HTTPResponse, Request

from notifier.domain.deliveries import user_problem
from notifier.domain.sessions import read_session
from notifier.errors import ErrorCode, NotifierError
from notifier.service.sessions import SessionService
from notifier.web.requests import json_body, json_response

_encode = msgspec.json.Encoder().encode


def sessions_door(service: SessionService) -> Blueprint:
    """The routes of sessions."""
    door = Blueprint("sessions", url_prefix="/api/v1/sessions")

    @door.post("/")
    async def add(request: Request) -> HTTPResponse:
        session = read_session(json_body(request), "")  # the store knows the time
        return json_response(_encode(await service.add(session)), 201)

    @door.get("/<user_id:str>")
    async def of_user(request: Request, user_id: str) -> HTTPResponse:
        return json_response(_encode({"sessions": await service.of(_user(user_id))}))

    @door.delete("/<user_id:str>")
    async def drop(request: Request, user_id: str) -> HTTPResponse:
        await service.drop(_user(user_id))
        return HTTPResponse(status=204)

    return door


def ratelimit_door(look: Callable[[str], Awaitable[dict[str, Any]]]) -> Blueprint:
    """The route that tells where a user stands; `look` finds out."""
    door = Blueprint("ratelimit")

    @door.get("/ratelimit/<user_id:str>")
    async def ratelimit(request: Request, user_id: str) -> HTTPResponse:
        return json_response(_encode(await look(_user(user_id))))

    return door


def _user(text: str) -> str:
    user_id = unquote(text)
    if user_problem(user_id):
        raise NotifierError(ErrorCode.NOT_FOUND, "there is no such user")
    return user_id
