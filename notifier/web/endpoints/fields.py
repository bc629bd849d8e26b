"""Types, tags and examples that several endpoints share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from notifier.domain.access import Caller
from notifier.domain.deliveries import key_problem
from notifier.domain.fields import Category, Data, KeyText, Login, Priority, Title, Url, UserId
from notifier.domain.ids import STREAM_ID_FORM
from notifier.domain.reading import checked
from notifier.domain.times import parse_time
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.once import IdempotencyKey
from notifier.web.http.route import Tag

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100

ID = "6d95bee8-b6f8-4d74-bf00-a40b4d96e561"
STREAM_ID = "1704110400000-0"
TIME = "2024-01-01T12:00:00.000Z"

INBOX = Tag("Inbox", "Sending to users' inboxes.")
PERSON = Tag("Own inbox", "A person's own inbox: list, count, mark, snooze, with a user's token or for a user.")
DELIVERIES = Tag("Deliveries", "Sending by push, SMS, mail and webhook, and the state of each.")
SESSIONS = Tag("Sessions", "Users' addresses, and the limit on sends.")
OPERATORS = Tag("Operators", "Reports and actions over all instances.")
KEYS = Tag("API keys", "Keys for programs, with `AUTH_MODE=token`.")
HEALTH = Tag("Health and metrics", "For load balancers and Prometheus.")
DOCUMENTS = Tag("Documents", "This description, for programs.")


Uuid: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
DeliveryId: TypeAlias = Annotated[str, Meta(description="The delivery's `id`.")]
StreamId: TypeAlias = Annotated[
    str,
    Meta(
        description="The place in the user's stream; later ones compare greater.",
        extra_json_schema={"pattern": f"^{STREAM_ID_FORM}$"},
    ),
]
Time: TypeAlias = Annotated[
    str, Meta(description="RFC 3339, in UTC, with milliseconds.", extra_json_schema={"format": "date-time"})
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, description="Seconds.")]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many rows at most.")]
NextCursor: TypeAlias = Annotated[str | None, Meta(description="`cursor` of the next page; null at the end.")]


class Notification(Struct, kw_only=True):
    """The id of a notification, and what its sender may leave out: the same in inbox, history and push."""

    notification_id: Uuid
    title: Title | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    data: Data | UnsetType = UNSET


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


def _moment_problem(value: object) -> str | None:
    try:
        if value != "":
            parse_time(value[:40] if type(value) is str else "")
    except ValueError:
        return "must be an RFC 3339 time such as 2024-01-01T12:00:00Z"
    return None


def milliseconds(moment: str) -> int | None:
    """A moment as Unix milliseconds, None where it is empty."""
    return round(parse_time(moment) * 1000) if moment else None


def moment(description: str) -> Any:
    """A moment as text, empty where there is none."""
    forms = [{"type": "string", "format": "date-time"}, {"type": "string", "const": ""}]
    return Annotated[
        str,
        Meta(
            description=f"{description} RFC 3339.",
            extra_json_schema={"anyOf": forms},
            extra=checked(_moment_problem),
        ),
    ]


class IdempotencyHeaders(Struct):
    """Makes a repeat of a request harmless."""

    idempotency_key: (
        Annotated[
            KeyText,
            Meta(
                description="The same key with the same JSON value again gives the first answer, byte for byte, and "
                "creates nothing. `X-Idempotency-Key` is taken too."
            ),
        ]
        | UnsetType
    ) = field(name="Idempotency-Key", default=UNSET)

    def key(self, caller: Caller, space: str) -> IdempotencyKey | None:
        """The caller's key in a route's own `space`, None where none was sent."""
        return IdempotencyKey(caller.identity, space, self.idempotency_key) if self.idempotency_key else None


class DeliveryHeaders(IdempotencyHeaders):
    """The same, of a request whose body may hold a key too."""

    def problems_with(self, body: object) -> Iterator[FieldError]:
        """A key in the body that is another one."""
        own = body.get("idempotency_key") if isinstance(body, dict) else None
        if self.idempotency_key and own not in (None, self.idempotency_key) and key_problem(own) is None:
            yield FieldError("idempotency_key", "differs from the header Idempotency-Key")


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
