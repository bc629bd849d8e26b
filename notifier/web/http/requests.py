"""What every door reads of a request: its id, its JSON body, its query."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import parse_qsl

from sanic import HTTPResponse, Request
from sanic.exceptions import PayloadTooLarge, SanicException

from notifier.domain.bodies import read_json
from notifier.errors import ErrorCode, FieldError, NotifierError

_SANE_ID = re.compile(r"[A-Za-z0-9._:@/+=\-]{1,128}").fullmatch
MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


def sane_request_id(given: str | None) -> str:
    """The caller's request id where it is one, else a new one."""
    return given if given and _SANE_ID(given) else str(uuid.uuid4())


def request_id(request: Request) -> str:
    """The id of a request, the same throughout."""
    known: str | None = getattr(request.ctx, "request_id", None)
    if known is None:
        known = request.ctx.request_id = sane_request_id(request.headers.get("x-request-id"))
    return known


def check_json_type(content_type: str | None) -> None:
    """Raises `NotifierError(unsupported_media_type)` unless a body of that type is JSON.

    A body of no type is refused too: it is all that a foreign page can send without asking by a preflight.
    """
    if content_type == "application/json":
        return
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise NotifierError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "send JSON with Content-Type: application/json")


async def receive_body(request: Request) -> None:
    """Receives the body of a request, unless its head says already that it cannot be taken.

    A client that waits for `100 Continue` (RFC 9110 §10.1.1) is told so before it sends anything. Raises
    `PayloadTooLarge`, `SanicException` (415), `NotifierError(unsupported_media_type)`.
    """
    stream: Any = request.stream
    if not stream.request_body:
        return
    if stream.request_bytes > stream.request_max_size:
        stream.keep_alive = False
        raise PayloadTooLarge("the body is too large")
    _check_coding(request)
    if stream.expecting_continue:
        check_json_type(request.headers.get("content-type"))
    await request.receive_body()


def _check_coding(request: Request) -> None:
    """Refuses what is compressed; the answer says what is taken instead (RFC 9110 §15.5.16)."""
    codings = ",".join(request.headers.getall("content-encoding", [])).split(",")
    if not {coding.strip().lower() for coding in codings} <= {"", "identity"}:
        accepted = {"Accept-Encoding": "identity"}
        raise SanicException("send the body without Content-Encoding", status_code=415, headers=accepted)


def check_body_type(request: Request) -> None:
    """As `check_json_type`, for a request that has a body, whether its route wants one or not."""
    if request.body and request.method not in ("GET", "HEAD"):
        check_json_type(request.headers.get("content-type"))


def json_body(request: Request) -> object:
    """The decoded body, whose type has been checked; raises `NotifierError(bad_request)`."""
    return read_json(request.body)


class Query:
    """The query of a request; checks gather their errors, and `done` raises them all."""

    def __init__(self, request: Request, known: str) -> None:
        """`known` names the parameters that the route takes beside `token`, separated by spaces."""
        try:
            pairs = parse_qsl(request.query_string, keep_blank_values=True, errors="strict", max_num_fields=50)
        except ValueError:
            raise NotifierError(ErrorCode.BAD_REQUEST, "the query is malformed") from None
        self._values = dict(pairs)
        self._errors = [
            FieldError(name[:64] if name.isprintable() else "?", "unknown parameter")
            for name in self._values
            if name not in (*known.split(), "token")
        ]

    def text(self, name: str, default: str = "", most: int = 256) -> str:
        """A parameter as text."""
        value = self._values.get(name, default)
        if len(value) > most or "\0" in value:
            self.bad(name, f"must be text of at most {most} characters")
        return value

    def limit(self, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> int:
        """The parameter `limit`."""
        return self.integer("limit", default, 1, most)

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """A parameter as an integer of `least` … `most`."""
        value = self._values.get(name, str(default))
        if not value.isascii() or not value.isdecimal() or not least <= int(value[:9]) <= most or len(value) > 9:
            self.bad(name, f"must be an integer of {least}-{most}")
            return default
        return int(value)

    def bad(self, name: str, message: str) -> None:
        """Notes what is wrong with a parameter."""
        self._errors.append(FieldError(name, message))

    def done(self) -> None:
        """Raises `NotifierError(invalid)` with all that was noted."""
        if self._errors:
            raise NotifierError(ErrorCode.INVALID, "the query is not valid", errors=self._errors)


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> HTTPResponse:
    """A JSON answer of bytes that are encoded already."""
    return HTTPResponse(body, status, headers, "application/json")
