"""Webhooks: what all of their protocols share, and the answer to a hook that there is not.

The key stands in `Authorization` (Bearer, or Basic's password), or as `?token=` in the address where a sender can set
no header. Errors are `{"error": …}`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sanic import HTTPResponse, Request

from notifier.domain.checks import data_problem, duration_problem, url_problem
from notifier.domain.notifications import MAX_MESSAGE, MAX_TITLE, MAX_TTL, MIN_TTL
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.service.doors import Visitor
from notifier.web.doors.base import (
    Door,
    first_problem,
    json_answer,
    named_user,
    not_here,
    query_of,
    token_in_header,
)

IN_ADDRESS = ("token", "access_token")  # the second is what CloudEvents' senders may use (RFC 6750 §2.3)
RETRY_AFTER = 5.0  # seconds, where the error names none
RESERVE = 128  # bytes of `data` that are left for what is added to it later
MAX_SHORT = 256  # characters of what is shown in one line

_unprintable = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]").sub


class Hook(Door):
    """A protocol of webhooks."""

    name = "hooks"
    statuses: ClassVar[Mapping[ErrorCode, int]] = {ErrorCode.INVALID: 400, ErrorCode.CONFLICT: 503}

    def refuse(self, request: Request, error: NotifierError, status: int) -> HTTPResponse:
        code = self.statuses.get(error.code, status)
        if code in (429, 503) and error.retry_after is None:
            error.retry_after = RETRY_AFTER
        return json_answer({"error": first_problem(error)}, code, error)

    async def visitor_of(self, request: Request) -> Visitor:
        """The visitor with the token of a request."""
        return await self.enter((token_of(request),))

    def targets_of(self, request: Request, visitor: Visitor) -> tuple[User, ...]:
        """The users that a request reaches: the key's, or those of them that `?to=1-alice` names. Raises
        `NotifierError` (`bad_request`, `forbidden`)."""
        named = request.args.getlist("to", [])
        users = [named_user(text) for text in named]
        if None in users:
            raise NotifierError(ErrorCode.BAD_REQUEST, "to must name a user as 1-alice")
        if not users:
            return self.service.targets_of(visitor)
        return tuple(dict.fromkeys(found for user in users for found in self.service.targets_of(visitor, user)))


def lasting(request: Request) -> dict[str, Any]:
    """The field `ttl` that `?ttl=7d` of the address asks for. Raises `NotifierError(bad_request)`."""
    ttl = query_of(request, "ttl")
    problem = duration_problem(ttl, MIN_TTL, MAX_TTL) if ttl else None
    if problem is not None:
        raise NotifierError(ErrorCode.BAD_REQUEST, f"ttl {problem}")
    return {"ttl": ttl} if ttl else {}


class Elsewhere(Hook):
    """The hooks that there are not."""

    async def take(self, request: Request, name: str) -> HTTPResponse:
        """Any other path."""
        raise not_here("there is no such hook: alertmanager, grafana, github, cloudevents")


def token_of(request: Request) -> str:
    """The token of a request, of its header before that of its query; empty where there is none."""
    return token_in_header(request) or next(filter(None, (query_of(request, name) for name in IN_ADDRESS)), "")


def is_signed(secret: str, body: bytes, given: str) -> bool:
    """True where `given` is the HMAC-SHA256 of a body in hex, compared in constant time."""
    made = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), given.strip().lower().encode("utf-8", "replace"))


def unsigned(why: str) -> NotifierError:
    """The error of a request whose signature is missing or wrong."""
    return NotifierError(ErrorCode.UNAUTHENTICATED, why)


def plain(value: object, most: int = MAX_SHORT) -> str:
    """Text without control characters, but for tabs and line ends; cut with an ellipsis. Empty for what is no text."""
    if type(value) in (int, float):
        value = str(value)
    if type(value) is not str:
        return ""
    text = _unprintable("", value[: 4 * most].replace("\r\n", "\n")).strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def one_line(value: object, most: int = MAX_SHORT) -> str:
    """As `plain`, with spaces for line ends."""
    return plain(" ".join(value[: 4 * most].split()) if type(value) is str else value, most)


def title_of(*values: object) -> str:
    """The first of the texts that is not empty, as a title."""
    return next(filter(None, (one_line(value, MAX_TITLE) for value in values)), "")


def message_of(*values: object) -> str:
    """The first of the texts that is not empty."""
    return next(filter(None, (plain(value, MAX_MESSAGE) for value in values)), "-")


def links(*urls: object) -> dict[str, Any]:
    """The field `url` with the first that can be followed; no field where there is none."""
    found = next((url for url in urls if is_link(url)), None)
    return {} if found is None else {"url": found}


def is_link(value: object) -> bool:
    """True for an absolute URL."""
    return type(value) is str and url_problem(value) is None and not value.startswith("/")


def fitting(data: Mapping[str, Any], *optional: str) -> dict[str, Any]:
    """Data as a notification may have it, with room for more; members named are left out, in this order, until it
    is."""
    left = {name: value for name, value in data.items() if value not in ("", None, [], {})}
    for name in optional:
        if data_problem({**left, "room": "x" * RESERVE}) is None:
            break
        left.pop(name, None)
    return left


def object_in(value: object) -> dict[str, Any]:
    """An object of a body; empty where it is none."""
    return value if type(value) is dict else {}
