"""A route, declared once: from it come the path that Sanic serves, the scope that is asked for, the checks of query and
body, the encoding of the answer, and the description in `/openapi.json`.

    class DeadLetters(Endpoints):
        tag, access = OPERATORS, ADMIN

        @get("/api/v1/admin/dlq", "List dead letters", answers=(Answer(example=…),))
        async def list_dead_letters(self, call: Call, query: DeadLettersQuery) -> DeadLettersPage: …

The signature is the contract: `query`, `body` and `headers` are decoded into their annotated types, a parameter named
in the path is that part of it, and the annotation of the result is the type of the answer. The method's name is the
`operationId`. A handler that reads the request by itself names the types as options instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from types import UnionType
from typing import (
    Any,
    ClassVar,
    Generic,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import Struct
from msgspec.structs import replace
from sanic import HTTPResponse
from sanic.exceptions import SanicException

from notifier.domain.access import Scope
from notifier.errors import NotifierError

JSON = "application/json"
BODY_PARTS = ("query", "body", "headers")

# An error exactly as the route raises it: status, body and headers of the example come from it.
Failure: TypeAlias = NotifierError | SanicException
Handler = TypeVar("Handler", bound=Callable[..., Any])
T = TypeVar("T")


class Access(NamedTuple):
    """The scope that a route asks of a caller with `AUTH_MODE=token`: `to_look` for GET and HEAD, else `to_act`.

    None asks for nothing; `known` asks for a valid token of any scope. `users` lets users' tokens in as well, which
    have no scope: the handler sees to it that they get what is theirs alone. `devices` lets their devices' tokens in.
    `from_memory`: while the store is away, a
    key that was good a while ago is taken for good still.
    """

    to_look: Scope | None
    to_act: Scope | None
    known: bool = False
    from_memory: bool = False
    users: bool = False
    devices: bool = False

    def scope(self, method: str) -> Scope | None:
        """The scope for a method; None where there is none to have."""
        return self.to_look if method in ("GET", "HEAD") else self.to_act


OPEN = Access(None, None)
KNOWN = Access(None, None, known=True)
FOLLOWING = KNOWN._replace(devices=True)
API = Access(Scope.READ, Scope.NOTIFY)
API_OR_OWNER = Access(Scope.READ, Scope.NOTIFY, users=True)
OWN = Access(Scope.NOTIFY, Scope.NOTIFY, users=True)
ADMIN = Access(Scope.OBSERVE, Scope.ADMIN)
WATCHING = ADMIN._replace(from_memory=True)  # for what tells that the store is away


class Tag(NamedTuple):
    """A group of routes in the description."""

    name: str
    description: str


class Answer(Struct, frozen=True, kw_only=True):
    """A success. `example` is a value of its body's type; of another `media` than JSON, the text itself.

    `body` is that type, by default the handler's result. `headers` names those that may come with it; they are
    described in `documents/openapi.py`. Without a `description` the type's docstring is it.
    """

    status: int = 200
    description: str = ""
    body: Any = None
    example: Any = None
    media: str = JSON
    headers: tuple[str, ...] = ()


class Reply(Generic[T]):
    """A result with headers or a status of its own, or one whose JSON is encoded already (`bytes`)."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: T | bytes, headers: Mapping[str, str] | None = None, status: int = 0) -> None:
        """`status` 0 stands for that of the route's first answer."""
        self.body = body
        self.headers = dict(headers or {})
        self.status = status


class Route(Struct, frozen=True, kw_only=True):
    """A route as it was declared. `path` is OpenAPI's (`/dlq/{delivery_id}`); `path_types` are its parameters' types.

    `query`, `body` and `headers` are the types of what a request holds, None where it holds none; `takes` names those
    that the handler takes decoded. `body_example` is a value of the body's. `result` is the type of the answer's JSON,
    None where there is none. The first of `answers` is the usual one. What every route may answer (a wrong token, a bad
    query, the server's own failures) is not among `failures`. The answer to a route that `streams` has no end, and the
    handler sends it itself. `bad_query` is answered to any bad parameter instead of their list, and parameters that
    nobody knows are then ignored: /ws is opened by all sorts of clients.
    A `hidden` route, such as a page, is not in the description.
    """

    method: str
    path: str
    name: str
    handler: str
    tag: Tag
    access: Access
    summary: str
    description: str
    answers: tuple[Answer, ...]
    failures: tuple[Failure, ...]
    path_types: dict[str, Any]
    query: Any
    body: Any
    body_example: Any
    headers: Any
    takes: frozenset[str]
    result: Any
    streams: bool
    bad_query: NotifierError | None
    hidden: bool


class Declared(NamedTuple):
    """A decorator's note on a handler."""

    method: str
    path: str
    summary: str
    options: dict[str, Any]


class Endpoints:
    """The routes of one resource: a class whose methods are their handlers, built with what they call."""

    tag: ClassVar[Tag]
    access: ClassVar[Access]

    @classmethod
    def routes(cls) -> tuple[Route, ...]:
        """Every route of this class, in the order of declaration."""
        return _routes_of(cast(Hashable, cls))


def _declare(method: str, path: str, summary: str, **options: Any) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        declared: list[Declared] = handler.__dict__.setdefault("declared", [])
        declared.append(Declared(method, path, summary, options))
        return handler

    return mark


def get(path: str, summary: str, **options: Any) -> Callable[[Handler], Handler]:
    """Declares a handler of GET (and HEAD). Options are the fields of `Route` that the signature does not tell."""
    return _declare("GET", path, summary, **options)


def post(path: str, summary: str, **options: Any) -> Callable[[Handler], Handler]:
    """Declares a handler of POST; options as of `get`."""
    return _declare("POST", path, summary, **options)


def put(path: str, summary: str, **options: Any) -> Callable[[Handler], Handler]:
    """Declares a handler of PUT; options as of `get`."""
    return _declare("PUT", path, summary, **options)


def patch(path: str, summary: str, **options: Any) -> Callable[[Handler], Handler]:
    """Declares a handler of PATCH; options as of `get`."""
    return _declare("PATCH", path, summary, **options)


def delete(path: str, summary: str, **options: Any) -> Callable[[Handler], Handler]:
    """Declares a handler of DELETE; options as of `get`."""
    return _declare("DELETE", path, summary, **options)


@cache
def _routes_of(cls: Any) -> tuple[Route, ...]:
    handlers = [value for value in vars(cls).values() if hasattr(value, "declared")]
    return tuple(_route(cls, handler, declared) for handler in handlers for declared in handler.declared)


def _route(cls: type[Endpoints], handler: Callable[..., Any], declared: Declared) -> Route:
    """The route of a handler; raises `TypeError` where path and signature differ."""
    hints = get_type_hints(handler, include_extras=True)
    parameters = [name for name in inspect.signature(handler).parameters if name not in ("self", "call")]
    in_path = [part[1:-1] for part in declared.path.split("/") if part.startswith("{")]
    parameters = [name for name in parameters if f"<{name}:" not in declared.path]
    if sorted(in_path) != sorted(set(parameters) - set(BODY_PARTS)):
        raise TypeError(f"{cls.__name__}.{handler.__name__} does not take the parameters of {declared.path}")
    options = dict(declared.options)
    result = _result_of(hints.get("return"))
    answers = options.pop("answers", None) or (Answer(status=200 if result is not None else 204),)
    return Route(
        method=declared.method,
        path=declared.path,
        name=options.pop("name", handler.__name__),
        handler=handler.__name__,
        tag=options.pop("tag", None) or cls.tag,
        access=options.pop("access", None) or cls.access,
        summary=declared.summary,
        description=options.pop("description", ""),
        answers=tuple(_filled(answer, result) for answer in answers),
        failures=options.pop("failures", ()),
        path_types={name: hints[name] for name in in_path},
        query=hints.get("query"),
        body=options.pop("body", hints.get("body")),
        body_example=options.pop("example", None),
        headers=options.pop("headers", hints.get("headers")),
        takes=frozenset(parameters) & set(BODY_PARTS),
        result=result,
        streams=options.pop("streams", False),
        bad_query=options.pop("bad_query", None),
        hidden=options.pop("hidden", False),
        **options,
    )


def _filled(answer: Answer, result: Any) -> Answer:
    """An answer with what follows from the handler's result: the type of its body and the description."""
    body = result if answer.body is None and answer.status != 204 else answer.body
    return replace(answer, body=body, description=answer.description or str(body.__doc__))


def _result_of(hint: Any) -> Any:
    """The type of an answer's JSON: a handler's result, what its `Reply` holds, or what it returns beside responses."""
    if hint in (None, type(None)):
        return None
    if get_origin(hint) in (Union, UnionType):
        typed = [kind for kind in get_args(hint) if kind is not HTTPResponse]
        return _result_of(typed[0]) if len(typed) == 1 else hint
    return get_args(hint)[0] if get_origin(hint) is Reply else hint
