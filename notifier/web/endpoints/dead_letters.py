"""`/api/v1/admin/dlq`: deliveries that failed for good, and messages that could not be read."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from notifier.domain.channels import CHANNELS
from notifier.domain.fields import optional_one_of, text
from notifier.domain.ids import is_notification_id
from notifier.domain.reading import checked
from notifier.domain.times import format_time
from notifier.errors import ErrorCode, NotifierError
from notifier.service.dead_letters import DeadLetterEntry, DeadLetterService, Wanted
from notifier.service.deliveries import DeliveryService
from notifier.web.endpoints.fields import (
    ID,
    OPERATORS,
    TIME,
    UNKNOWN_DELIVERY,
    Count,
    DeliveryId,
    Limit,
    NextCursor,
    Time,
    milliseconds,
    moment,
)
from notifier.web.http.audit import audit
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, delete, get, post

DLQ = "/api/v1/admin/dlq"
MAX_REASON = 64
MAX_IDS = 1000


def _id_problem(value: object) -> str | None:
    return None if type(value) is str and is_notification_id(value.lower()) else "must be the id of a dead letter"


DeadLetterId: TypeAlias = Annotated[
    str, Meta(extra_json_schema={"format": "uuid"}, extra=checked(_id_problem, str.lower))
]


class DeadLetter(Struct, kw_only=True):
    """A delivery that failed for good, or a message that could not be read."""

    id: str
    channel: str
    recipient: str
    reason: str
    error: str
    attempts: Count
    failed_at: Time
    topic: Annotated[str, Meta(description="Where an unreadable message of Kafka stood.")] | UnsetType = UNSET
    partition: int | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    raw: str | UnsetType = UNSET


class Source(Struct):
    """The part of a dead letter's document that is shown: the address, or where a message of Kafka stood."""

    recipient: str = ""
    user_id: str = ""
    topic: str | UnsetType = UNSET
    partition: int | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    raw: str | UnsetType = UNSET


class ReasonCount(Struct):
    """The number of dead letters of one reason and channel."""

    reason: str
    channel: str
    count: Count


class DeadLetters(Struct):
    """Dead letters, the newest first."""

    entries: list[DeadLetter]
    reasons: list[ReasonCount]
    total: Count
    next_cursor: NextCursor


class DeadLettersQuery(Struct):
    """A page of the dead letters."""

    reason: text(0, MAX_REASON, "Of this reason only.") = ""  # type: ignore[valid-type]
    channel: optional_one_of(CHANNELS) = ""  # type: ignore[valid-type]
    limit: Limit = 100
    cursor: Annotated[str, Meta(description="`next_cursor` of the page before.", pattern="^[0-9]{0,9}$")] = ""


class Filter(Struct, forbid_unknown_fields=True):
    """A choice of dead letters; all where it is empty."""

    reason: text(0, MAX_REASON) = ""  # type: ignore[valid-type]
    channel: optional_one_of(CHANNELS) = ""  # type: ignore[valid-type]


class ManyRequest(Struct, forbid_unknown_fields=True):
    """Dead letters: by a filter, and by their ids where some are named; none that fails after `before`."""

    filter: Filter = field(default_factory=Filter)
    ids: Annotated[
        list[DeadLetterId], Meta(max_length=MAX_IDS, description="These alone, as far as the filter lets them through.")
    ] = []
    before: moment("That failed by then; now where it is empty.") = ""  # type: ignore[valid-type]
    expected: (
        Annotated[int, Meta(ge=0, description="Do nothing, and answer `409`, where there are not as many.")] | None
    ) = None
    dry_run: Annotated[bool, Meta(description="Only count.")] = False

    def wanted(self) -> Wanted:
        """The dead letters that are meant."""
        return Wanted(self.filter.reason, self.filter.channel, self.ids, milliseconds(self.before), self.expected)


class RequeuedCount(Struct):
    """The number of dead letters that were requeued."""

    requeued: Count


class RequeuedCounts(RequeuedCount):
    """The number of dead letters that were requeued, or with `dry_run` would be; `before` is the moment that bounds
    them."""

    dry_run: bool
    before: Time


class DroppedCounts(Struct):
    """The number of dead letters that were taken away, or with `dry_run` would be, and the moment that bounds them."""

    dropped: Count
    dry_run: bool
    before: Time


_ENTRY = DeadLetter(
    id=ID, channel="sms", recipient="+905551234567", reason="no_address", error="", attempts=1, failed_at=TIME
)
_NOT_DEAD = NotifierError(ErrorCode.CONFLICT, "this one is sent and cannot be requeued")

_OTHER_NUMBER = NotifierError(ErrorCode.CONFLICT, "there are 18 of them, not 17: count again")
_MANY = ManyRequest(Filter(reason="no_address"), dry_run=True)
_BOUND = (
    "`dry_run` answers how many, and `before`, the moment of the count. Called again with that `before`, and "
    "`expected`, it acts on what was counted and on none that failed meanwhile."
)

_source_in = msgspec.json.Decoder(Source).decode


class DeadLetterEndpoints(Endpoints):
    """The routes of dead letters."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, service: DeliveryService, letters: DeadLetterService) -> None:
        self._service = service
        self._letters = letters

    @get(
        DLQ,
        "List dead letters",
        answers=(Answer(example=DeadLetters([_ENTRY], [ReasonCount("no_address", "sms", 1)], 1, None)),),
    )
    async def list_dead_letters(self, call: Call, query: DeadLettersQuery) -> DeadLetters:
        page = await self._letters.page(query.reason, query.channel, int(query.cursor or 0), query.limit)
        reasons = [ReasonCount(*row) for row in page.reasons]
        following = None if page.next_place is None else str(page.next_place)
        return DeadLetters([_shown(one) for one in page.entries], reasons, page.total, following)

    @post(
        f"{DLQ}/{{delivery_id}}/requeue",
        "Send a dead letter again",
        answers=(Answer(status=202, example=RequeuedCount(1)),),
        failures=(UNKNOWN_DELIVERY, _NOT_DEAD),
    )
    async def requeue_dead_letter(self, call: Call, delivery_id: DeliveryId) -> RequeuedCount:
        await self._service.requeue(delivery_id)
        audit(call, "requeue", delivery_id, delivery_id=delivery_id)
        return RequeuedCount(1)

    @post(
        f"{DLQ}/requeue",
        "Send dead letters again, by their reason and channel or by their ids",
        description=_BOUND,
        example=_MANY,
        answers=(Answer(status=202, example=RequeuedCounts(17, True, TIME)),),
        failures=(_OTHER_NUMBER,),
    )
    async def requeue_dead_letters(self, call: Call, body: ManyRequest) -> RequeuedCounts:
        requeued, before = await self._letters.requeue_many(body.wanted(), body.dry_run)
        if not body.dry_run:
            self._audit(call, "requeue", body, requeued=requeued)
        return RequeuedCounts(requeued, body.dry_run, format_time(before / 1000))

    @post(
        f"{DLQ}/drop",
        "Take dead letters away for good, by their reason and channel or by their ids",
        description=_BOUND,
        example=_MANY,
        answers=(Answer(example=DroppedCounts(17, True, TIME)),),
        failures=(_OTHER_NUMBER,),
    )
    async def drop_dead_letters(self, call: Call, body: ManyRequest) -> DroppedCounts:
        dropped, before = await self._letters.drop_many(body.wanted(), body.dry_run)
        if not body.dry_run:
            self._audit(call, "drop", body, dropped=dropped)
        return DroppedCounts(dropped, body.dry_run, format_time(before / 1000))

    @staticmethod
    def _audit(call: Call, action: str, body: ManyRequest, **facts: object) -> None:
        audit(call, action, "dead letters", reason=body.filter.reason, channel=body.filter.channel, **facts)

    @delete(
        f"{DLQ}/{{delivery_id}}",
        "Take a dead letter away for good",
        answers=(Answer(status=204, description="It is gone."),),
        failures=(NotifierError(ErrorCode.NOT_FOUND, "there is no such dead letter"),),
    )
    async def drop_dead_letter(self, call: Call, delivery_id: DeliveryId) -> None:
        await self._letters.drop(delivery_id)
        audit(call, "drop", delivery_id, delivery_id=delivery_id)


def _shown(dead: DeadLetterEntry) -> DeadLetter:
    source = _source_in(dead.document)
    return DeadLetter(
        id=dead.id,
        channel=dead.channel,
        recipient=source.recipient or source.user_id,
        reason=dead.reason,
        error=dead.error,
        attempts=dead.attempts,
        failed_at=dead.failed_at,
        topic=source.topic,
        partition=source.partition,
        offset=source.offset,
        raw=source.raw,
    )
