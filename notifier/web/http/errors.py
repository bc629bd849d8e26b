"""One table from error codes to statuses and close codes, and the body of every error (RFC 9457)."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from sanic import HTTPResponse, Request
from sanic.exceptions import MethodNotAllowed, SanicException
from sanic.handlers import ErrorHandler
from sanic.headers import _HTTP1_STATUSLINES

from notifier.domain.limits import OverLimit, Quota
from notifier.errors import ErrorCode, NotifierError, defect
from notifier.web.http.requests import request_id

STATUS = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.MISDIRECTED: 421,
    ErrorCode.INVALID: 422,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.UNAVAILABLE: 503,
}
_HTTP1_STATUSLINES[421] = b"HTTP/1.1 421 Misdirected Request\r\n"  # Sanic's own says "421 UNKNOWN"
_CODES = {status: code for code, status in STATUS.items()}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")  # that any route takes
log = logging.getLogger("notifier.web")

PROBLEM_JSON = "application/problem+json"


class Problems(ErrorHandler):
    """Turns every exception of a handler into problem+json."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        """The answer to an exception; the unexpected is logged and said without detail. A door answers in its own
        dialect."""
        wrong_method = isinstance(exception, MethodNotAllowed)
        door = _door_at(request) if wrong_method else _door_of(request.route)
        if door is not None:
            answer: HTTPResponse = door.refuse(request, _error_of(request, exception))
            if wrong_method:
                answer.headers["Allow"] = ", ".join(_methods_of(request))
            return answer
        if isinstance(exception, NotifierError):
            if exception.code is ErrorCode.INTERNAL:
                log_failure(exception, request_id(request), request.method, request.path)
            return problem_response(request, exception)
        if isinstance(exception, SanicException) and (exception.status_code < 500 or exception.status_code == 505):
            return _refusal(request, exception)
        log_failure(exception, request_id(request), request.method, request.path)
        return problem_response(request, defect(exception))


def _door_of(route: Any) -> Any:
    return None if route is None else getattr(route.ctx, "door", None)


def _door_at(request: Request) -> Any:
    """The door to which a path belongs with all the methods that it takes."""
    doors = [_door_of(route) for route in _routes_at(request).values()]
    return doors[0] if doors and None not in doors else None


def _error_of(request: Request, exception: Exception) -> NotifierError:
    """An exception as our own error; the unexpected is logged."""
    if isinstance(exception, NotifierError) and exception.code is not ErrorCode.INTERNAL:
        return exception
    if isinstance(exception, SanicException) and exception.status_code < 500:
        code = _CODES.get(exception.status_code, ErrorCode.BAD_REQUEST)
        return NotifierError(code, _DETAILS.get(exception.status_code, str(exception)))
    # Other protocols have keys in their paths: it is the route that is written down.
    path = "" if request.route is None else f"/{request.route.path}"
    log_failure(exception, request_id(request), request.method, path)
    return defect(exception)


def log_failure(failure: BaseException, identity: str, method: str, path: str) -> None:
    """Writes down what the caller is told nothing of but the request's id."""
    # Not by Sanic's own `log`: that writes the query down, in which a token may stand.
    log.error("request.failed", exc_info=failure, extra={"request_id": identity, "method": method, "path": path})


def problem(status: int, detail: str, identity: str, errors: list[dict[str, str]] | None = None) -> dict[str, object]:
    """The members of a problem document."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": identity,
    }
    if errors:
        body["errors"] = errors
    return body


def problem_bytes(error: NotifierError, identity: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to an error."""
    status = STATUS.get(error.code, 500)
    errors = [{"path": item.path, "message": item.message} for item in error.errors]
    headers = {} if error.retry_after is None else {"Retry-After": str(ceil(error.retry_after))}
    if isinstance(error, OverLimit):
        headers |= quota_headers(error.quota)
    return status, headers, _dumps(problem(status, error.message, identity, errors))


def quota_headers(quota: Quota) -> dict[str, str]:
    """The headers of a rate limit (draft-ietf-httpapi-ratelimit-headers-10)."""
    return {
        "RateLimit-Policy": f'"{quota.name}";q={quota.limit};w={ceil(quota.window)}',
        "RateLimit": f'"{quota.name}";r={quota.left};t={ceil(quota.free_in)}',
    }


def problem_response(request: Request, error: NotifierError, headers: Mapping[str, str] | None = None) -> HTTPResponse:
    """The answer to an error, with further headers."""
    status, own, body = problem_bytes(error, request_id(request))
    return HTTPResponse(body, status, {**own, **(headers or {})}, PROBLEM_JSON)


def _refusal(request: Request, exception: SanicException) -> HTTPResponse:
    status = exception.status_code
    body = _dumps(problem(status, _DETAILS.get(status, str(exception)), request_id(request)))
    headers = {name: value for name, value in (exception.headers or {}).items() if name.lower() != "content-type"}
    if status == 405:  # Sanic leaves it out where the path has parameters, and does not know of HEAD
        headers["Allow"] = ", ".join(_methods_of(request))
    return HTTPResponse(body, status, headers, PROBLEM_JSON)


def _methods_of(request: Request) -> list[str]:
    """The methods that the path of a request takes."""
    return list(_routes_at(request))


def _routes_at(request: Request) -> dict[str, Any]:
    found = {}
    for method in METHODS:
        with contextlib.suppress(SanicException):
            found[method] = request.app.router.get(request.path, method, request.headers.get("host"))[0]
    return found


_DETAILS = {
    404: "there is nothing at this path",
    405: "this path does not take that method",
    413: "the body is too large",
}


def _dumps(body: dict[str, object]) -> bytes:
    return _encode(body).encode("utf-8", "replace")  # a detail may quote half of a surrogate pair


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
