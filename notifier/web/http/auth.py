"""Access to routes: their scopes, the places of a token, and the answer to those without one. Contract §10."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import parse_qsl

from sanic import HTTPResponse, Request
from sanic_routing.route import Route as SanicRoute

from notifier.domain.access import ANYBODY, Caller
from notifier.domain.devices import may_be_device_token
from notifier.errors import ErrorCode, NotifierError
from notifier.web.http.errors import problem_response
from notifier.web.http.requests import MAX_PARAMETERS
from notifier.web.http.route import ADMIN, Access

BEARER = "bearer."  # before the token in a subprotocol: browsers can set no header of an upgrade


class Guard:
    """Stands before every route."""

    def __init__(
        self, authenticate: Callable[[str, bool], Awaitable[Caller]], open_device: Callable[[str], Awaitable[Caller]]
    ) -> None:
        """`authenticate` gives the caller with a token (True: of memory too, while the store is away), `open_device`
        the owner of a device's; both raise `NotifierError`."""
        self._authenticate = authenticate
        self._open_device = open_device

    async def check(self, request: Request) -> HTTPResponse | None:
        """Notes the caller on the request; the answer where they may not go on, else None."""
        if request.route is None:  # there is nothing to guard: 404 or 405
            return None
        access = access_of(request.route)
        scope = access.scope(request.method)
        if scope is None and not access.known:
            return None
        token = token_of(request)
        try:
            caller = await self._caller(token, access)
        except NotifierError as error:
            return _refusal(request, error, 'Bearer error="invalid_token"' if token else "Bearer")
        request.ctx.caller = caller
        if scope is None or caller.may(scope) or (access.users and caller.user is not None):
            return None
        lacking = NotifierError(ErrorCode.FORBIDDEN, f"this token lacks the scope {scope}")
        return _refusal(request, lacking, f'Bearer error="insufficient_scope", scope="{scope}"')

    async def _caller(self, token: str, access: Access) -> Caller:
        if not token:
            raise NotifierError(ErrorCode.UNAUTHENTICATED, "a token is needed: Authorization: Bearer …")
        if access.devices and may_be_device_token(token):
            return await self._open_device(token)
        return await self._authenticate(token, access.from_memory)


def access_of(route: SanicRoute) -> Access:
    """The access that a route was declared with; a route without one is for `admin` alone."""
    return cast(Access, getattr(route.ctx, "access", ADMIN))


def caller_of(request: Request) -> Caller:
    """The caller of a request; `ANYBODY` with `AUTH_MODE=none`."""
    return cast(Caller, getattr(request.ctx, "caller", ANYBODY))


def token_of(request: Request) -> str:
    """The token of a request: of its header, else of its subprotocols, else of its query; empty where there is none."""
    headers = request.headers
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return str(token.strip())
    for name in ",".join(headers.getall("sec-websocket-protocol", [])).split(","):
        if name.strip().startswith(BEARER):
            return name.strip().removeprefix(BEARER)
    return _token_in_query(request.query_string)


def _token_in_query(query: str) -> str:
    try:
        return dict(parse_qsl(query, max_num_fields=MAX_PARAMETERS)).get("token", "")
    except ValueError:
        return ""


def _refusal(request: Request, error: NotifierError, challenge: str) -> HTTPResponse:
    """The answer to an error, with the challenge of RFC 6750 §3 where it is about the token."""
    about_token = error.code in (ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN)
    return problem_response(request, error, {"WWW-Authenticate": challenge} if about_token else {})
