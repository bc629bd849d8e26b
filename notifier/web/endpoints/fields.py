"""Types, tags and examples that several endpoints share."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct, field

from notifier.domain.checks import MAX_DATA_BYTES, MAX_URL, data_problem, text_problem, time_problem, url_problem
from notifier.domain.deliveries import CHANNELS, MAX_KEY, MAX_USER_ID, key_problem, user_problem
from notifier.domain.notifications import MAX_CATEGORY, MAX_MESSAGE, MAX_SOURCE, MAX_TITLE, PRIORITIES
from notifier.domain.reading import checked
from notifier.domain.users import MAX_LOGIN, normalise_login
from notifier.domain.users import MAX_USER_ID as MAX_INBOX_USER_ID
from notifier.errors import ErrorCode, NotifierError
from notifier.web.http.route import Tag

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100

ID = "6d95bee8-b6f8-4d74-bf00-a40b4d96e561"
STREAM_ID = "1704110400000-0"
TIME = "2024-01-01T12:00:00.000Z"

INBOX = Tag("Inbox", "Sending to users' inboxes.")
DELIVERIES = Tag("Deliveries", "Sending by push, SMS, mail and webhook, and what became of it.")
SESSIONS = Tag("Sessions", "Where users can be reached, and how often.")
OPERATORS = Tag("Operators", "What operators see and do, over all instances.")
KEYS = Tag("API keys", "Who may call, with `AUTH_MODE=token`.")
HEALTH = Tag("Health and metrics", "For load balancers and Prometheus.")
DOCUMENTS = Tag("Documents", "What you are reading, for programs.")


def text(least: int, most: int, description: str = "") -> Any:
    """The type of a text of `least` … `most` characters, any but NUL and lone surrogates."""
    return Annotated[
        str,
        Meta(
            min_length=least,
            max_length=most,
            description=description or None,
            extra_json_schema={"pattern": "^[^\\u0000]*$"},
            extra=checked(lambda value: text_problem(value, least, most)),
        ),
    ]


def one_of(values: tuple[str, ...], description: str = "") -> Any:
    """The type of one of several words, named in their own order."""
    expected = f"must be one of {', '.join(values)}"
    return Annotated[
        str,
        Meta(
            description=description or None,
            extra_json_schema={"enum": list(values)},
            extra=checked(lambda value: None if type(value) is str and value in values else expected),
        ),
    ]


def optional_one_of(values: tuple[str, ...], description: str = "Empty for any.") -> Any:
    """The same for a filter, where the empty text stands for any."""
    expected = f"must be one of {', '.join(values)}"
    return Annotated[
        str,
        Meta(
            description=description,
            extra_json_schema={"enum": ["", *values]},
            extra=checked(lambda value: None if type(value) is str and value in ("", *values) else expected),
        ),
    ]


def _login_problem(value: object) -> str | None:
    if type(value) is str and normalise_login(value) is not None:
        return None
    return "must be 1-128 letters, marks, digits or _ . @ + -"


UserId: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_INBOX_USER_ID, description="The user's number.")]
Login: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_LOGIN,
        description="Letters, marks and digits of any script, normalised to NFC, and `_ . @ + -`.",
        extra_json_schema={"format": "login"},
        extra=checked(_login_problem, normalise_login),
    ),
]
Uuid: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
DeliveryId: TypeAlias = Annotated[str, Meta(description="The delivery's `id`.")]
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
Moment: TypeAlias = Annotated[
    str,
    Meta(
        description="RFC 3339 with any offset. Leap seconds are refused.",
        extra_json_schema={"format": "date-time"},
        extra=checked(time_problem),
    ),
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, description="Seconds.")]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many rows at most.")]
NextCursor: TypeAlias = Annotated[str | None, Meta(description="`cursor` of the next page; null at the end.")]


def _cursor(most: int) -> Any:
    expected = f"must be text of at most {most} characters"
    return Annotated[
        str,
        Meta(
            max_length=most,
            description="`next_cursor` of the page before; empty for the first.",
            extra_json_schema={"pattern": "^[^\\u0000]*$"},
            extra=checked(lambda value: None if type(value) is str and len(value) <= most else expected),
        ),
    ]


Cursor: TypeAlias = _cursor(256)  # type: ignore[valid-type]
LongCursor: TypeAlias = _cursor(600)  # type: ignore[valid-type]

Channel: TypeAlias = one_of(CHANNELS)  # type: ignore[valid-type]
Priority: TypeAlias = Annotated[
    str,
    Meta(
        extra_json_schema={"enum": list(PRIORITIES)},
        extra=checked(lambda value: None if value in PRIORITIES else "must be high, normal or low"),
    ),
]
Url: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_URL,
        description="An absolute URL or a path from the root; no `javascript:`, `vbscript:` or `data:`.",
        extra_json_schema={"pattern": r"^(/|[A-Za-z][A-Za-z0-9+.\-]*://)[^\s\u0000-\u0020\u007f\u0085]*$"},
        extra=checked(url_problem),
    ),
]
Data: TypeAlias = Annotated[
    dict[str, Any],
    Meta(
        description=f"Anything for the client, at most {MAX_DATA_BYTES} bytes as JSON; no NUL in it.",
        extra=checked(data_problem),
    ),
]
Message: TypeAlias = text(1, MAX_MESSAGE, "The text itself: any but NUL and lone surrogates.")  # type: ignore[valid-type]
Source: TypeAlias = text(0, MAX_SOURCE, "Who sends it.")  # type: ignore[valid-type]
Title: TypeAlias = text(0, MAX_TITLE)  # type: ignore[valid-type]
Category: TypeAlias = text(0, MAX_CATEGORY)  # type: ignore[valid-type]
DeliveryUser: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_USER_ID,
        description="Text without control characters. Without a `recipient` the user's sessions have the addresses.",
        extra_json_schema={"pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$"},
        extra=checked(user_problem),
    ),
]
KeyText: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY,
        description="As the header `Idempotency-Key`.",
        extra_json_schema={"pattern": "^[ -~]+$"},
        extra=checked(key_problem),
    ),
]


class IdempotencyHeaders(Struct):
    """What makes a repeat harmless."""

    idempotency_key: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_KEY,
            description="The same key with the same JSON value again gives the first answer, byte for byte, and "
            "creates nothing. `X-Idempotency-Key` is taken too.",
            extra_json_schema={"pattern": "^[ -~]+$"},
        ),
    ] = field(name="Idempotency-Key", default="")


class PageQuery(Struct):
    """A page of a list."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


class UserPair(Struct):
    """A user of an inbox."""

    user_id: UserId
    login: Login


class FieldProblem(Struct):
    """A bad field."""

    path: Annotated[str, Meta(description="Where it stands, like `target[1].id`; empty for the whole body.")]
    message: str


LIMIT_HEADERS = ("RateLimit", "RateLimit-Policy")
UNKNOWN_DELIVERY = NotifierError(ErrorCode.NOT_FOUND, "there is no such notification")
NO_INBOX_USER = NotifierError(ErrorCode.NOT_FOUND, "no such user")
KEY_REUSED = NotifierError(ErrorCode.INVALID, "this idempotency key was used for another request")
KEY_RUNNING = NotifierError(ErrorCode.CONFLICT, "the first request under this key is still running", retry_after=30.0)
