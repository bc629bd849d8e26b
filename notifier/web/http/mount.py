"""Serves declared routes: decodes what a handler takes, calls it, encodes what it returns."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from sanic import HTTPResponse, Request, Sanic

from notifier.domain.access import Caller
from notifier.domain.faults import Faults, invalid
from notifier.domain.reading import fields_of, read_body, read_headers, read_query
from notifier.errors import ErrorCode, NotifierError
from notifier.web.http.auth import caller_of
from notifier.web.http.requests import MAX_PARAMETERS, json_body, json_response
from notifier.web.http.route import Endpoints, Reply, Route

TOKEN = frozenset(("token",))  # a parameter that any route may carry, see `auth.token_of`

_encode = msgspec.json.Encoder().encode


class Call:
    """One request, as handlers see it: its caller, and its body as it came."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @property
    def caller(self) -> Caller:
        """The caller that the token names; `ANYBODY` with `AUTH_MODE=none`."""
        return caller_of(self.request)

    @cached_property
    def json(self) -> object:
        """The decoded body; raises `NotifierError` (`unsupported_media_type`, `bad_request`)."""
        return json_body(self.request)


def mount(app: Sanic, endpoints: Endpoints) -> None:
    """Adds the routes of `endpoints` to the application."""
    for route in endpoints.routes():
        app.add_route(
            _handler(route, getattr(endpoints, route.handler)),
            _sanic_path(route.path),
            methods=(route.method,),
            name=route.name,
            ctx_access=route.access,
            ctx_streams=route.streams,
        )


def _sanic_path(path: str) -> str:
    return "/".join(f"<{part[1:-1]}:str>" if part.startswith("{") else part for part in path.split("/"))


def _handler(
    route: Route, handle: Callable[..., Coroutine[Any, Any, Any]]
) -> Callable[..., Coroutine[Any, Any, HTTPResponse | None]]:
    async def serve(request: Request, **in_path: str) -> HTTPResponse | None:
        call = Call(request)
        arguments: dict[str, Any] = {name: unquote(value) for name, value in in_path.items()}
        if route.takes:
            arguments |= _arguments(route, call)
        result = await handle(call, **arguments)
        return None if route.streams else answer_of(route, result)

    return serve


def _arguments(route: Route, call: Call) -> dict[str, Any]:
    """The decoded arguments of a handler; raises `NotifierError` that names all that is wrong with headers and body."""
    found: dict[str, Any] = {}
    if "query" in route.takes:
        found["query"] = _query(route, call.request)
    value = call.json if "body" in route.takes else None
    faults = Faults()
    if "headers" in route.takes:
        found["headers"] = _headers(route, call, value, faults)
    if "body" in route.takes:
        found["body"] = read_body(route.body, value, faults)
    if faults:
        raise invalid(faults)
    return found


def _headers(route: Route, call: Call, value: object, faults: Faults) -> Any:
    """Headers as the route's type. Its `problems_with(body)`, where it has one, holds them against the JSON body."""
    headers = read_headers(route.headers, call.request.headers.get, faults)
    look = getattr(headers, "problems_with", None)
    for error in () if look is None else look(value):
        faults.add(error.path, error.message)
    return headers


def answer_of(route: Route, result: object) -> HTTPResponse:
    """The answer to what a handler returned."""
    if isinstance(result, HTTPResponse):
        return result
    headers = result.headers if isinstance(result, Reply) else None
    body = result.body if isinstance(result, Reply) else result
    status = (result.status if isinstance(result, Reply) else 0) or route.answers[0].status
    if body is None:
        return HTTPResponse(status=status, headers=headers)
    return json_response(body if isinstance(body, bytes) else _encode(body), status, headers)


def _query(route: Route, request: Request) -> Any:
    if route.bad_query is None:
        return read_query(route.query, _pairs(request), TOKEN)
    known = {name for name, *_ in fields_of(route.query)}
    try:
        return read_query(route.query, [pair for pair in _pairs(request) if pair[0] in known])
    except NotifierError as error:
        raise route.bad_query from error


def _pairs(request: Request) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.query_string, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise NotifierError(ErrorCode.BAD_REQUEST, "the query is malformed") from None
