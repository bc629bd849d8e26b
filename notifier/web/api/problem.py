"""Errors, described: the document's type, and those that more than one route answers with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from sanic.exceptions import SanicException

from notifier.domain.access import Scope
from notifier.errors import ErrorCode, FieldError, NotifierError, defect
from notifier.web.api.common import REQUEST_ID
from notifier.web.api.route import Failure, Route
from notifier.web.auth import DOORS, SOCKET_DOOR, Needs
from notifier.web.errors import problem, problem_bytes
from notifier.web.origin import misdirected


class FieldProblem(Struct):
    """A bad field."""

    path: Annotated[str, Meta(description="Where it stands, like `target[1].id`; empty for the whole body.")]
    message: str


class Problem(Struct):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    request_id: Annotated[str, Meta(description="Also in `X-Request-ID`, and in the server's log.")]
    errors: Annotated[list[FieldProblem], Meta(description="All bad fields, not only the first.")] | UnsetType = UNSET


class Example(NamedTuple):
    """What a failure looks like on the wire."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


ANY_ROUTE: tuple[Failure, ...] = (
    SanicException("the whole request must arrive within 15 seconds", status_code=408),
    misdirected(""),
    SanicException("the headers are larger than 16 KiB", status_code=431),
    defect(),
    NotifierError(ErrorCode.UNAVAILABLE, "the store is not available: it cannot be reached", retry_after=1.0),
)
WITH_TOKEN: tuple[Failure, ...] = (
    NotifierError(ErrorCode.UNAUTHENTICATED, "a token is needed: Authorization: Bearer …"),
    NotifierError(ErrorCode.FORBIDDEN, "this token lacks the scope admin"),
)
WITH_BODY: tuple[Failure, ...] = (
    NotifierError(ErrorCode.BAD_REQUEST, "the body is not JSON: Input data was truncated"),
    SanicException("the body is too large", status_code=413),
    NotifierError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "send JSON with Content-Type: application/json"),
    NotifierError(ErrorCode.INVALID, "1 field is not valid", [FieldError("", "must be a JSON object")]),
)


def failures_of(route: Route) -> tuple[Failure, ...]:
    """All that a route may answer with when it does not do what was asked."""
    known = route.failures
    if needs_token(route):
        known += WITH_TOKEN
    if route.body is not None:
        known += WITH_BODY
    return known + ANY_ROUTE


def needs_token(route: Route) -> bool:
    """Whether a caller must be known while `AUTH_MODE=token`."""
    return route.door == SOCKET_DOOR or scope_of(route) is not None


def scope_of(route: Route) -> str | None:
    """The scope that a caller needs; None where none is needed, or where being known is enough."""
    if route.door == SOCKET_DOOR:
        return None
    needs = DOORS.get(route.door, Needs(Scope.ADMIN, Scope.ADMIN))
    return needs.to_look if route.method in ("GET", "HEAD") else needs.to_act


def example_of(failure: Failure) -> Example:
    """Status, headers and body with which a failure is answered."""
    if isinstance(failure, NotifierError):
        status, headers, body = problem_bytes(failure, REQUEST_ID)
        if failure.code in (ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN) and failure in WITH_TOKEN:
            headers |= {"WWW-Authenticate": "Bearer"}
        return Example(status, headers, msgspec.json.decode(body))
    headers = {str(name): str(value) for name, value in (failure.headers or {}).items()}
    return Example(failure.status_code, headers, problem(failure.status_code, str(failure), REQUEST_ID))


def title_of(status: int) -> str:
    """The standard phrase of a status."""
    return HTTPStatus(status).phrase
