"""Types and examples that several routes share."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from notifier.domain.users import MAX_LOGIN, MAX_USER_ID
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.web.requests import MAX_LIMIT

ID = "6d95bee8-b6f8-4d74-bf00-a40b4d96e561"
STREAM_ID = "1704110400000-0"
TIME = "2024-01-01T12:00:00.000Z"
REQUEST_ID = "0f8c1f0e-6b1b-4a53-9d52-3c0a5c1d8f51"

_NO_NUL = {"pattern": "^[^\\u0000]*$"}

UserId: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_USER_ID, description="The user's number.")]
Login: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_LOGIN,
        description="Letters, marks and digits of any script, normalised to NFC, and `_ . @ + -`.",
        extra_json_schema={"pattern": r"^[\p{L}\p{M}\p{Nd}_.@+\-]+$"},
    ),
]
Uuid: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
StreamId: TypeAlias = Annotated[
    str,
    Meta(
        description="The place in the user's stream; later ones compare greater.",
        extra_json_schema={"pattern": "^[0-9]{1,15}-[0-9]{1,15}$"},
    ),
]
Time: TypeAlias = Annotated[
    str, Meta(description="RFC 3339, in UTC, with milliseconds.", extra_json_schema={"format": "date-time"})
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, description="Seconds.")]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many rows at most.")]
NextCursor: TypeAlias = Annotated[str | None, Meta(description="`cursor` of the next page; null at the end.")]


def text(least: int, most: int, description: str = "") -> Any:
    """The type of a text of `least` … `most` characters, any but NUL."""
    meta = Meta(min_length=least, max_length=most, description=description or None, extra_json_schema=_NO_NUL)
    return Annotated[str, meta]


Cursor: TypeAlias = text(0, 256, "`next_cursor` of the page before; empty for the first.")  # type: ignore[valid-type]
LongCursor: TypeAlias = text(0, 600, "`next_cursor` of the page before; empty for the first.")  # type: ignore[valid-type]


class PageQuery(Struct):
    """A page of a list."""

    limit: Limit = 100
    cursor: Cursor = ""


def bad_query(path: str, message: str) -> NotifierError:
    """The error for a parameter that is not as described."""
    return NotifierError(ErrorCode.INVALID, "the query is not valid", [FieldError(path, message)])


MALFORMED_QUERY = NotifierError(ErrorCode.BAD_REQUEST, "the query is malformed")
BAD_PAGE = (MALFORMED_QUERY, bad_query("limit", "must be an integer of 1-1000"))
