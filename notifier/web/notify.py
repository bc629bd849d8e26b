"""`POST /api/v1/notify`: one implementation for Sanic's handler and for the express lane (`express.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sanic import Blueprint, HTTPResponse, Request

from notifier.domain.bodies import read_json
from notifier.domain.faults import Faults
from notifier.domain.notifications import Draft, read_notify_request
from notifier.domain.times import format_time
from notifier.service.publish import Answer, IdempotencyKey, OnAnswer, Publisher, read_idempotency_key
from notifier.web.auth import caller_of
from notifier.web.errors import quota_headers
from notifier.web.requests import check_json_type, json_response

ROUTE = "notify"


class NotifyDoor:
    """The inbox's entrance."""

    def __init__(self, publisher: Publisher, now: Callable[[], float]) -> None:
        """`now` is what `created_at` defaults to."""
        self._publisher = publisher
        self._now = now

    async def publish(self, caller: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a request of `caller`; header names are lower case. Raises `NotifierError`."""
        return await self._publisher.publish(*self._read(caller, headers, body))

    def submit(self, caller: str, headers: Mapping[str, str], body: bytes, on_answer: OnAnswer) -> None:
        """As `publish`, without a task: `on_answer` gets the answer or the store's error.

        Raises `NotifierError` for what is wrong with the request itself.
        """
        self._publisher.submit(*self._read(caller, headers, body), on_answer)

    def _read(
        self, caller: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Draft, object, IdempotencyKey | None]:
        given = headers.get("idempotency-key", headers.get("x-idempotency-key"))
        faults = Faults()
        key = read_idempotency_key(caller, ROUTE, given, faults)
        if body:
            check_json_type(headers.get("content-type"))
        value = read_json(body)
        return read_notify_request(value, format_time(self._now()), faults), value, key


def headers_of(answer: Answer) -> dict[str, str]:
    """What is said of an answer beside its body."""
    headers = {} if answer.quota is None else quota_headers(answer.quota)
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return headers


def notify_door(entrance: NotifyDoor) -> Blueprint:
    """The route of the inbox's entrance."""
    door = Blueprint("notify", url_prefix="/api/v1")

    @door.post("/notify")
    async def notify(request: Request) -> HTTPResponse:
        answer = await entrance.publish(caller_of(request).identity, request.headers, request.body)
        return json_response(answer.body, 202, headers_of(answer))

    return door
