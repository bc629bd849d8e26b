"""`POST /api/v1/notify`: one implementation for Sanic's handler and for the express lane (`express.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.access import Caller
from notifier.domain.bodies import read_json
from notifier.domain.faults import Faults
from notifier.domain.inbox_requests import NotifyRequest, Target
from notifier.domain.limits import OverLimit, Quota
from notifier.domain.notifications import Draft, read_notify_request
from notifier.domain.times import format_time
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.once import IdempotencyKey, read_idempotency_key
from notifier.service.publish import Answer as Published
from notifier.service.publish import OnAnswer, Publisher
from notifier.web.endpoints.fields import ID, INBOX, KEY_REUSED, KEY_RUNNING, LIMIT_HEADERS, IdempotencyHeaders, Uuid
from notifier.web.http.errors import quota_headers
from notifier.web.http.mount import Call
from notifier.web.http.requests import check_json_type
from notifier.web.http.route import API, Answer, Endpoints, Reply, post

ROUTE = "notify"


class NotifyReceiver:
    """Reads requests to `/api/v1/notify` and passes them on to the publisher."""

    def __init__(self, publisher: Publisher, now: Callable[[], float]) -> None:
        """`now` answers the time that `created_at` defaults to, in Unix seconds."""
        self._publisher = publisher
        self._now = now

    async def publish(self, caller: Caller, headers: Mapping[str, str], body: bytes) -> Published:
        """The answer to a request of `caller`; header names are lower case. Raises `NotifierError`."""
        return await self._publisher.publish(*self._read(caller.identity, headers, body, caller.name))

    def submit(self, caller: str, headers: Mapping[str, str], body: bytes, on_answer: OnAnswer) -> None:
        """As `publish`, without a task: `on_answer` gets the answer or the store's error.

        Raises `NotifierError` for what is wrong with the request itself.
        """
        self._publisher.submit(*self._read(caller, headers, body), on_answer)

    def _read(
        self, caller: str, headers: Mapping[str, str], body: bytes, name: str = ""
    ) -> tuple[Draft, object, IdempotencyKey | None]:
        given = headers.get("idempotency-key", headers.get("x-idempotency-key"))
        faults = Faults()
        key = read_idempotency_key(caller, ROUTE, given, faults)
        if body:
            check_json_type(headers.get("content-type"))
        value = read_json(body)
        return read_notify_request(value, format_time(self._now()), faults, name or caller), value, key


def headers_of(answer: Published) -> dict[str, str]:
    """The headers of an answer."""
    headers = {} if answer.quota is None else quota_headers(answer.quota)
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return headers


class NotifyResult(Struct):
    """The notification that was stored for a target."""

    target: Target
    notification_id: Uuid
    kept: Annotated[bool, Meta(description="True where an earlier one of the key stays.")] | UnsetType = UNSET


class NotifyAnswer(Struct):
    """Everything named here is stored."""

    results: list[NotifyResult]


_ALICE = Target(1, "alice")
_EXAMPLE = NotifyRequest(
    target=[_ALICE, Target(2, "bob")], message="Your order is on its way", source="shop", title="Order 17"
)
_INVALID = NotifierError(
    ErrorCode.INVALID,
    "2 fields are not valid",
    [FieldError("target[1].id", "must be an integer of 1-9007199254740991"), FieldError("message", "is required")],
)
_LIMITED = OverLimit(
    Quota("notify", 10, 60.0, 0, 12.0), [FieldError("target[0]", "1-alice is over the limit for another 12.0 s")]
)


class NotifyEndpoints(Endpoints):
    """The route `/api/v1/notify`, for requests that the express lane leaves."""

    tag, access = INBOX, API

    def __init__(self, receiver: NotifyReceiver, on_came: Callable[[str, str], None]) -> None:
        """`on_came` is told the caller and the address of each request."""
        self._receiver = receiver
        self._on_came = on_came

    @post(
        "/api/v1/notify",
        "Send a notification to users' inboxes",
        description="All or nothing: with `202` every notification is stored, and survives a crash of the server or of "
        "its store. Connected users get it at once, the others on their next connect.",
        example=_EXAMPLE,
        answers=(
            Answer(
                status=202,
                description="Stored.",
                example=NotifyAnswer([NotifyResult(_ALICE, ID)]),
                headers=("Idempotent-Replayed", *LIMIT_HEADERS),
            ),
        ),
        failures=(_INVALID, KEY_REUSED, KEY_RUNNING, _LIMITED),
        body=NotifyRequest,  # read by hand-written checks, for speed: a test holds them against the type
        headers=IdempotencyHeaders,
    )
    async def notify(self, call: Call) -> Reply[NotifyAnswer]:
        request = call.request
        self._on_came(call.caller.name, request.ip)
        answer = await self._receiver.publish(call.caller, request.headers, request.body)
        return Reply(answer.body, headers_of(answer))
