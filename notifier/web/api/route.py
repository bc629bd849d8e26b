"""What one route takes and answers, as data: the served description of the API is made of these."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct
from sanic.exceptions import SanicException

from notifier.errors import NotifierError

JSON = "application/json"

# An error exactly as the route raises it: status, body and headers of the example come from it.
Failure: TypeAlias = NotifierError | SanicException


class Answer(Struct, frozen=True, kw_only=True):
    """A success. `body` is the type of its JSON and `example` a value of it; of another `media`, the text itself.

    `headers` names those that may come with it; they are described in `openapi.HEADERS`.
    """

    status: int
    description: str
    body: Any = None
    example: Any = None
    media: str = JSON
    headers: tuple[str, ...] = ()


class Route(Struct, frozen=True, kw_only=True):
    """A route. `path_fields`, `query` and `headers` are structs with a field for each parameter.

    `body` is a struct or a union of structs, `example` one of them.

    `door` is the name of the blueprint, from which follows the scope that a caller needs. What every route may answer
    (a wrong token, the server's own failures, a body that cannot be read) is not among `failures`.
    """

    door: str
    method: str
    path: str
    name: str
    summary: str
    answers: tuple[Answer, ...]
    failures: tuple[Failure, ...] = ()
    description: str = ""
    path_fields: type[Struct] | None = None
    query: type[Struct] | None = None
    headers: type[Struct] | None = None
    body: Any = None
    example: Struct | None = None
