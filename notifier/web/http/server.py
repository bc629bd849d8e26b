"""The Sanic application: routes, and what is done to every request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from notifier.errors import NotifierError
from notifier.web.http.auth import Guard
from notifier.web.http.descriptors import Descriptors
from notifier.web.http.errors import Problems
from notifier.web.http.mount import mount
from notifier.web.http.origin import Origins
from notifier.web.http.requests import check_body_type, receive_body, request_id
from notifier.web.http.route import Endpoints
from notifier.web.http.routing import HeadRouter
from notifier.web.http.slow import SlowRequests

KEEP_ALIVE = 75
OnRequest = Callable[[str, str, int, float], None]


class AnyRequest(Request):
    """A request, also one whose target is none: to answer that, Sanic makes an empty request of method `NONE` with the
    very same target, and would fail once more, with the target and any token in it in its log."""

    __slots__ = ()

    def __init__(self, url_bytes: bytes, headers: Any, version: str, method: str, *others: Any, **more: Any) -> None:
        super().__init__(b"/" if method == "NONE" else url_bytes, headers, version, method, *others, **more)


def build_app(
    endpoints: Iterable[Endpoints],
    origins: Origins,
    max_body: int,
    on_request: OnRequest,
    guard: Guard | None,
    add_more: Callable[[Sanic], None],
) -> Sanic:
    """An application with these endpoints; `on_request(route, method, status, seconds)` is told of every request.

    `add_more` adds the page and the doors. Without a `guard` no token is asked for (`AUTH_MODE=none`).
    """
    problems = Problems()
    app = Sanic(
        "notifier",
        configure_logging=False,
        error_handler=problems,
        request_class=AnyRequest,
        router=HeadRouter(),
    )
    app.config.update(
        REQUEST_MAX_SIZE=max_body,
        KEEP_ALIVE_TIMEOUT=KEEP_ALIVE,
        ACCESS_LOG=False,
        FALLBACK_ERROR_FORMAT="json",
        AUTO_EXTEND=False,
        INSPECTOR=False,
    )
    app.ctx.descriptors = Descriptors()
    for group in endpoints:
        mount(app, group)
    add_more(app)
    _watch(app, origins, on_request, problems)
    if guard is not None:
        app.on_request(guard.check)
    app.on_request(receive)  # last: a caller who is refused need not send the body
    for route in app.router.routes:
        route.extra.ignore_body = True  # Sanic would receive it before anybody has looked at the request
    return app


async def receive(request: Request) -> None:
    """Receives the body of a request that a route takes and nobody has refused."""
    if request.route is not None and (request.method not in ("GET", "HEAD")):
        foreign = hasattr(request.route.ctx, "door")  # another protocol, with its own types of bodies
        await receive_body(request, any_type=foreign)
        if not foreign:
            check_body_type(request)


def _watch(app: Sanic, origins: Origins, on_request: OnRequest, problems: Problems) -> None:
    slow = SlowRequests()

    @app.on_request
    async def begin(request: Request) -> HTTPResponse | None:
        request.ctx.started = time.perf_counter()
        request_id(request)
        try:
            origins.check(request)
        except NotifierError as error:
            return problems.default(request, error)
        if request.method != "OPTIONS" or _asks_a_hook(request):
            return None
        await receive_body(request)  # else Sanic logs an error for each body that comes with one
        return origins.preflight(request)

    @app.on_response
    async def end(request: Request, response: HTTPResponse) -> None:
        response.headers["X-Request-ID"] = request_id(request)
        origins.add_headers(request, response)
        started = getattr(request.ctx, "started", None)
        if started is not None:
            route = _label_of(request)
            method = request.method if request.method in _METHODS else "other"
            seconds = time.perf_counter() - started
            on_request(route, method, response.status, seconds)
            slow.look(route, method, response.status, seconds, request_id(request))


def _label_of(request: Request) -> str:
    """The route of a request in metrics and logs: its pattern, never its path."""
    if request.route is None:
        return "unmatched"
    return getattr(request.route.ctx, "label", "") or f"/{request.route.path}"


def _asks_a_hook(request: Request) -> bool:
    """True for the handshake of a sender of webhooks, which is no browser's preflight (CloudEvents, HTTP 1.1 Web Hooks
    §4)."""
    takes = request.route is not None and "OPTIONS" in request.route.methods
    return takes and "webhook-request-origin" in request.headers


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
