"""Errors in the description: the type of their document, and those that more than one route answers with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from sanic.exceptions import SanicException

from notifier.errors import ErrorCode, FieldError, NotifierError, defect
from notifier.web.endpoints.fields import FieldProblem
from notifier.web.http.errors import problem, problem_bytes
from notifier.web.http.origin import misdirected
from notifier.web.http.route import Failure, Route

REQUEST_ID = "0f8c1f0e-6b1b-4a53-9d52-3c0a5c1d8f51"


class Problem(Struct):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    request_id: Annotated[str, Meta(description="Also in `X-Request-ID`, and in the server's log.")]
    errors: Annotated[list[FieldProblem], Meta(description="All bad fields, not only the first.")] | UnsetType = UNSET


class Example(NamedTuple):
    """A failure as it travels: status, headers, body."""

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
WITH_QUERY: tuple[Failure, ...] = (
    NotifierError(ErrorCode.BAD_REQUEST, "the query is malformed"),
    NotifierError(ErrorCode.INVALID, "the query is not valid", [FieldError("limit", "must be an integer of 1-1000")]),
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
    if route.query is not None and route.bad_query is None:
        known += WITH_QUERY
    if route.body is not None:
        known += WITH_BODY
    return known + ANY_ROUTE


def needs_token(route: Route) -> bool:
    """True where a route asks for a token with `AUTH_MODE=token`."""
    return route.access.known or route.access.scope(route.method) is not None


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
