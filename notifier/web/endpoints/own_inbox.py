"""`/api/v1/inbox`: a person's own inbox, listed, counted and marked by themselves or for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from notifier.domain.bodies import read_json
from notifier.domain.checks import duration_problem, seconds_of
from notifier.domain.fields import Login, Moment, UserId, text
from notifier.domain.ids import STREAM_ID_FORM, is_stream_id
from notifier.domain.reading import checked, read_body
from notifier.domain.states import MAX_IDS, SNOOZE_LEAST, SNOOZE_MOST, As, InboxFilter
from notifier.domain.times import parse_time
from notifier.domain.users import User
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.states import StatesService
from notifier.web.endpoints.fields import ID, PERSON, STREAM_ID, TIME, Count, Notification, StreamId, Time, Uuid
from notifier.web.http.mount import Call
from notifier.web.http.route import OWN, Answer, Endpoints, Reply, delete, get, post, put

PATH = "/api/v1/inbox"
MAX_PAGE = 100
MAX_FILTERS = 10
MARK_OF = {"archive": "archived", "unarchive": "unarchived", "act": "acted", "seen": "seen", "read": "read"}
MARK_OF |= {"unread": "unread"}

_encode = msgspec.json.Encoder().encode
_EXPECTED = "must be a stream id"

StreamIdText: TypeAlias = Annotated[
    str,
    Meta(
        examples=[STREAM_ID],
        extra_json_schema={"pattern": f"^{STREAM_ID_FORM}$"},
        extra=checked(lambda value: None if is_stream_id(value) else _EXPECTED),
    ),
]
Action: TypeAlias = Annotated[
    str, Meta(description="The mark.", extra_json_schema={"enum": list(MARK_OF)}, examples=["read"])
]


class PersonQuery(Struct, kw_only=True):
    """The person whose inbox it is. A user's own token tells it; an API key, and a server without tokens, need both."""

    user_id: Annotated[UserId, Meta(examples=[1])] | UnsetType = UNSET
    login: Annotated[Login, Meta(examples=["alice"])] | UnsetType = UNSET


class ListQuery(InboxFilter, kw_only=True):
    """A choice of notifications in a user's inbox."""

    user_id: Annotated[UserId, Meta(examples=[1])] | UnsetType = UNSET
    login: Annotated[Login, Meta(examples=["alice"])] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="How many at most.")] = 50
    before: StreamIdText | UnsetType = UNSET
    after: StreamIdText | UnsetType = UNSET


class CountsQuery(PersonQuery, kw_only=True):
    """The list that is counted, and the person."""

    filters: text(0, 8192, 'A JSON list of 1-10 filters, `[{"category":"billing"}]`; without it the main list.') = ""  # type: ignore[valid-type]


class Filters(Struct):
    """The contents of the query's `filters`."""

    filters: Annotated[list[InboxFilter], Meta(min_length=1, max_length=MAX_FILTERS)]


class Counts(Struct):
    """Numbers of notifications."""

    unread: Count
    unseen: Count
    total: Count


Rev: TypeAlias = Annotated[int, Meta(ge=0, description="The inbox's revision: it grows with every change.")]


class Item(Notification, kw_only=True):
    """A notification with the states that its user gave it."""

    stream_id: StreamId
    message: str
    created_at: str
    source: str
    status: Literal["unread", "read"]
    read: bool
    seen_at: Time | None
    read_at: Time | None
    archived_at: Time | None
    snoozed_until: Time | None
    acted_at: Time | None
    revision: Annotated[int, Meta(ge=1, description="Grows by one with each change by its sender.")]
    key: str | UnsetType = UNSET


class Page(Struct, kw_only=True):
    """Notifications, newest first, with the counts of the main list: what is neither archived nor snoozed."""

    items: list[Item]
    counts: Counts
    rev: Rev
    next_before: Annotated[StreamId | None, Meta(description="`before` of the next page; null at the end.")]


class CountsAnswer(Struct):
    """The counts of each filter, in their order."""

    counts: list[Counts]
    rev: Rev


class MarkError(Struct):
    """A notification that was not marked."""

    id: str
    error: Literal["not_found", "acted", "archived"]


class Marked(Struct, kw_only=True):
    """The number of those that changed, and the counts of the main list since."""

    changed: Count
    counts: Counts
    rev: Rev
    errors: list[MarkError] | UnsetType = UNSET


class MarkRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """A mark, and which notifications it is for: those with these ids, all up to and including a stream id, or those
    that a filter takes."""

    mark: As = field(name="as")
    ids: Annotated[list[text(1, 128)], Meta(min_length=1, max_length=MAX_IDS)] | UnsetType = UNSET  # type: ignore[valid-type]
    up_to: StreamIdText | UnsetType = UNSET
    filter: InboxFilter | UnsetType = UNSET

    schema_together: ClassVar[dict[str, Any]] = {"oneOf": [{"required": [name]} for name in ("ids", "up_to", "filter")]}

    @staticmethod
    def problems_together(values: Mapping[str, Any]) -> Iterator[FieldError]:
        """None, or more than one, of the three."""
        if len(values.keys() & {"ids", "up_to", "filter"}) != 1:
            yield FieldError("", "needs one of ids, up_to, filter")


SnoozeSpan: TypeAlias = Annotated[
    str | float,
    Meta(
        description="`2h`, `30m`, `1d` or a number of seconds: 1m-30d.",
        extra=checked(lambda value: duration_problem(value, SNOOZE_LEAST, SNOOZE_MOST)),
    ),
]


class SnoozeRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """The duration or the moment to which a notification is put off."""

    span: SnoozeSpan | UnsetType = field(name="for", default=UNSET)
    until: Annotated[Moment, Meta(description="From a minute to 30 days from now.")] | UnsetType = UNSET

    schema_together: ClassVar[dict[str, Any]] = {"oneOf": [{"required": [name]} for name in ("for", "until")]}

    @staticmethod
    def problems_together(values: Mapping[str, Any]) -> Iterator[FieldError]:
        """Neither or both of the two."""
        if len(values.keys() & {"span", "until"}) != 1:
            yield FieldError("", "needs one of for, until")


REV = 1838933906157575
_COUNTS = Counts(1, 1, 2)
_ITEM = Item(
    notification_id=ID,
    stream_id=STREAM_ID,
    message="Your order is on its way",
    created_at=TIME,
    source="shop",
    status="unread",
    read=False,
    seen_at=None,
    read_at=None,
    archived_at=None,
    snoozed_until=None,
    acted_at=None,
    revision=1,
)
PAGE = Page(items=[_ITEM], counts=_COUNTS, rev=REV, next_before=None)
_MARKED = Answer(example=Marked(changed=1, counts=_COUNTS, rev=REV))
_OTHER = NotifierError(ErrorCode.FORBIDDEN, "this token is not for this user")
_NONE = NotifierError(ErrorCode.NOT_FOUND, "no such notification in this inbox")
_NO_PAIR = NotifierError(
    ErrorCode.INVALID,
    "the query is not valid",
    [FieldError("user_id", "is required"), FieldError("login", "is required")],
)


def whose(call: Call, query: PersonQuery | ListQuery) -> str:
    """The key of the user whose inbox a request is about; raises `NotifierError` (`forbidden`, `invalid`)."""
    caller, missing = call.caller, [name for name in ("user_id", "login") if getattr(query, name) is UNSET]
    if len(missing) == 1 or (missing and caller.user is None):
        raise NotifierError(
            ErrorCode.INVALID, "the query is not valid", [FieldError(name, "is required") for name in missing]
        )
    given = None if missing else User(query.user_id, query.login)  # type: ignore[arg-type]
    if caller.user is not None and given in (None, caller.user):
        return caller.user.key
    if given is None or caller.user is not None:
        raise _OTHER
    return given.key


class OwnInboxEndpoints(Endpoints):
    """The routes of a person's own inbox."""

    tag, access = PERSON, OWN

    def __init__(self, states: StatesService, now: Callable[[], float]) -> None:
        """`now` is Redis' time in Unix seconds."""
        self._states = states
        self._now = now

    @get(
        PATH,
        "List an inbox with its states",
        description="The main list, newest first, unless the filter says otherwise: what is neither archived nor "
        "snoozed.",
        answers=(Answer(example=PAGE),),
        failures=(_OTHER,),
    )
    async def list_inbox(self, call: Call, query: ListQuery) -> Reply[Page]:
        page = await self._states.page(
            whose(call, query), query, query.limit, query.before or None, query.after or None
        )
        return Reply(_encode(page))

    @get(
        f"{PATH}/counts",
        "Count an inbox",
        answers=(Answer(example=CountsAnswer([_COUNTS], REV)),),
        failures=(_OTHER,),
    )
    async def count_inbox(self, call: Call, query: CountsQuery) -> Reply[CountsAnswer]:
        filters = [InboxFilter()]
        if query.filters:
            filters = read_body(Filters, {"filters": _json_of(query.filters)}).filters
        return Reply(_encode(await self._states.counts(whose(call, query), filters)))

    @post(
        f"{PATH}/mark",
        "Mark several notifications",
        example=MarkRequest(mark="read", ids=[ID]),
        answers=(_MARKED,),
        failures=(_OTHER,),
    )
    async def mark_inbox(self, call: Call, query: PersonQuery, body: MarkRequest) -> Reply[Marked]:
        user = whose(call, query)
        if body.ids is not UNSET:
            return Reply(_encode(await self._states.mark(user, body.mark, body.ids)))
        if body.filter is not UNSET:
            return Reply(_encode(await self._states.mark_filtered(user, body.mark, body.filter)))
        return Reply(_encode(await self._states.mark_up_to(user, body.mark, str(body.up_to))))

    @get(
        f"{PATH}/{{notification_id}}",
        "Show a notification of an inbox",
        answers=(Answer(example=_ITEM),),
        failures=(_OTHER, _NONE),
    )
    async def get_inbox_item(self, call: Call, notification_id: Uuid, query: PersonQuery) -> Reply[Item]:
        return Reply(_encode(await self._states.one(whose(call, query), notification_id)))

    @post(
        f"{PATH}/{{notification_id}}/{{action}}",
        "Mark one notification",
        description="`act` implies `read`, and so does `archive`; `read` implies `seen`. The first time of each stays. "
        "What was acted on, or is archived, stays read: `unread` answers it among `errors`.",
        answers=(_MARKED,),
        failures=(_OTHER, _NONE),
    )
    async def mark_inbox_item(
        self, call: Call, notification_id: Uuid, action: Action, query: PersonQuery
    ) -> Reply[Marked]:
        if action not in MARK_OF:
            raise NotifierError(ErrorCode.NOT_FOUND, f"the marks are {', '.join(MARK_OF)}")
        return Reply(_encode(await self._states.mark_one(whose(call, query), MARK_OF[action], notification_id)))

    @put(
        f"{PATH}/{{notification_id}}/snooze",
        "Put a notification off",
        description="It is in no list and no count until then; then it comes back unread, at the end.",
        example=SnoozeRequest(span="2h"),
        answers=(_MARKED,),
        failures=(_OTHER, _NONE),
    )
    async def snooze_inbox_item(
        self, call: Call, notification_id: Uuid, query: PersonQuery, body: SnoozeRequest
    ) -> Reply[Marked]:
        until = self._until(body)
        return Reply(_encode(await self._states.snooze(whose(call, query), notification_id, until)))

    @delete(
        f"{PATH}/{{notification_id}}/snooze",
        "Bring a notification back as it was",
        answers=(_MARKED,),
        failures=(_OTHER, _NONE),
    )
    async def unsnooze_inbox_item(self, call: Call, notification_id: Uuid, query: PersonQuery) -> Reply[Marked]:
        return Reply(_encode(await self._states.snooze(whose(call, query), notification_id, None)))

    def _until(self, body: SnoozeRequest) -> float:
        """Unix seconds; raises `NotifierError(invalid)` for a time out of bounds."""
        now = self._now()
        if body.span is not UNSET:
            return now + float(seconds_of(body.span) or 0)
        until = parse_time(str(body.until))
        if SNOOZE_LEAST <= until - now <= SNOOZE_MOST:
            return until
        expected = "must be from a minute to 30 days from now"
        raise NotifierError(ErrorCode.INVALID, "1 field is not valid", [FieldError("until", expected)])


def _json_of(text: str) -> object:
    try:
        return read_json(text.encode())
    except NotifierError:
        error = FieldError("filters", "must be a JSON list of filters")
        raise NotifierError(ErrorCode.INVALID, "the query is not valid", [error]) from None
