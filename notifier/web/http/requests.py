"""Reads of a request what all endpoints need: its id, its content type, its JSON body."""

from __future__ import annotations

import re
import uuid
from typing import Any

from sanic import HTTPResponse, Request
from sanic.exceptions import PayloadTooLarge, SanicException

from notifier.domain.bodies import read_json
from notifier.errors import ErrorCode, NotifierError

MAX_PARAMETERS = 50  # of a query

_SANE_ID = re.compile(r"[A-Za-z0-9._:@/+=\-]{1,128}").fullmatch


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


async def receive_body(request: Request, any_type: bool = False) -> None:
    """Receives the body of a request, unless its head says already that it cannot be taken.

    A client that waits for `100 Continue` (RFC 9110 §10.1.1) is told so before it sends anything, also that its body is
    not JSON, unless `any_type` is taken. Raises
    `PayloadTooLarge`, `SanicException` (415), `NotifierError(unsupported_media_type)`.
    """
    stream: Any = request.stream
    if not stream.request_body:
        return
    if stream.request_bytes > stream.request_max_size:
        stream.keep_alive = False
        raise PayloadTooLarge("the body is too large")
    _check_coding(request)
    if stream.expecting_continue and not any_type:
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


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> HTTPResponse:
    """A JSON answer of bytes that are encoded already."""
    return HTTPResponse(body, status, headers, "application/json")
