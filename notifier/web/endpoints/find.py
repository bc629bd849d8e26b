"""`GET /api/v1/admin/find`: from an id or the beginning of a name to what it stands for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from notifier.domain.fields import text
from notifier.web.endpoints.fields import ID, OPERATORS, TIME, Time
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, get

MAX_TEXT = 256
MOST = 100
WANTED = "An id, an address, or the beginning of a user key, a login, an instance or a channel."


class FindQuery(Struct):
    """The text that is looked for."""

    q: text(1, MAX_TEXT, WANTED)  # type: ignore[valid-type]
    limit: Annotated[int, Meta(ge=1, le=MOST, description="How many rows at most.")] = 20


class Found(Struct):
    """Something that has this name; `id` is that by which other routes take it."""

    kind: Literal["delivery", "notification", "user", "login", "address", "batch", "instance", "channel"]
    id: str
    label: str
    at: Time | None
    user_id: Annotated[
        int | str | None, Meta(description="A number for a user of an inbox, text for one of deliveries.")
    ]
    login: str | None


class FoundList(Struct):
    """Things that were found, exact ids first."""

    results: list[Found]


_EXAMPLE = Found("delivery", ID, "sms to +905551234567, sent", TIME, None, None)

Find = Callable[[str, int], Awaitable[list[dict[str, Any]]]]


class FindEndpoints(Endpoints):
    """The route of `find`."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, find: Find) -> None:
        """`find` answers the fields of `Found`, at most so many."""
        self._find = find

    @get(
        "/api/v1/admin/find",
        "Find anything by its id or the beginning of its name",
        description="Looks in indexes alone. On Redis Cluster a notification is not found by its id.",
        answers=(Answer(example=FoundList([_EXAMPLE])),),
    )
    async def find(self, call: Call, query: FindQuery) -> FoundList:
        return FoundList(msgspec.convert(await self._find(query.q, query.limit), list[Found]))
