"""Base of all doors: a name, the visitor with a token, errors in the door's own dialect, and helpers for reading."""

from __future__ import annotations

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from math import ceil
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from sanic import HTTPResponse, Request
from sanic.headers import parse_content_header
from sanic.request.form import parse_multipart_form

from notifier.domain.users import User, parse_user_key
from notifier.errors import ErrorCode, NotifierError
from notifier.service.doors import DoorService, Visitor
from notifier.service.read_links import ReadLinks
from notifier.web.endpoints.socket import InboxSocket

MAX_FIELDS = 100  # of a form

_encode = msgspec.json.Encoder().encode


class House(NamedTuple):
    """The parts that doors call. `public_url` is this server's address for links, without a `/` at its end; empty where
    it is not known, and then no links are made; `version` is this program's; `health` answers the body of `/health` at
    once; `accepted` the notifications of the cluster since its first start; `read_links` are those that
    mark a notification read, None where they are off."""

    service: DoorService
    sockets: InboxSocket
    public_url: str
    version: str
    health: Callable[[], Mapping[str, Any]]
    accepted: Callable[[], Awaitable[int]]
    read_links: ReadLinks | None


class Door(ABC):
    """A foreign protocol. Its methods named in `ways.py` answer requests, and raise `NotifierError`."""

    name: ClassVar[str]

    def __init__(self, house: House) -> None:
        self.house = house
        self.service = house.service

    @abstractmethod
    def refuse(self, request: Request, error: NotifierError, status: int) -> HTTPResponse:
        """The answer to an error in this protocol; `status` is what our own API says."""

    async def enter(self, tokens: Iterable[str]) -> Visitor:
        """The visitor with the first of these tokens that is not empty."""
        return await self.service.enter(self.name, next(filter(None, tokens), ""))


def token_in_header(request: Request) -> str:
    """The token of `Authorization`; empty where there is none."""
    return token_in(request.headers.get("authorization", ""))


def token_in(authorization: str) -> str:
    """The token in the value of an `Authorization` header: that of `Bearer`, or the password of `Basic`,
    whose user's name means nothing here; empty where it is neither."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else basic_password(authorization)


def basic_password(authorization: str) -> str:
    """The password in the value of an `Authorization` header of the scheme Basic (RFC 7617); empty where it is none."""
    scheme, _, pair = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(pair.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def query_of(request: Request, name: str) -> str:
    """The first value of a parameter of the query; empty where there is none."""
    return str(request.args.get(name, ""))


def form_of(request: Request) -> dict[str, str] | None:
    """The first value of each field of a form, those of a multipart form without its files; None where the body is no
    form. Raises `NotifierError(bad_request)`."""
    kind, parameters = parse_content_header(request.headers.get("content-type", ""))
    try:
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
            return dict(reversed(pairs))
        if kind == "multipart/form-data":
            fields, _ = parse_multipart_form(request.body, str(parameters["boundary"]).encode())
            return {name: fields.get(name) for name in fields}
    except (LookupError, ValueError):
        raise NotifierError(ErrorCode.BAD_REQUEST, "the form cannot be read") from None
    return None


def named_user(text: str) -> User | None:
    """The user whose key a path or field names, `1-alice`; None where it names nobody."""
    return parse_user_key(text)


def first_problem(error: NotifierError) -> str:
    """An error in one line, for protocols that have no list of fields."""
    found = "; ".join(f"{item.path} {item.message}".strip() for item in error.errors)
    return f"{error.message}: {found}" if found else error.message


def json_answer(body: object, status: int = 200, error: NotifierError | None = None) -> HTTPResponse:
    """A JSON answer; with `error` the `Retry-After` that it asks for."""
    headers = {}
    if error is not None and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    return HTTPResponse(_encode(body), status, headers, "application/json")


def not_here(what: str) -> NotifierError:
    """The error of what a door does not have."""
    return NotifierError(ErrorCode.NOT_FOUND, what)
