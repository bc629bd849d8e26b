"""`POST /api/v1/notify`."""

from __future__ import annotations

import time

from sanic import Blueprint, HTTPResponse, Request

from notifier.domain.notifications import read_notify_request
from notifier.domain.times import format_time
from notifier.service.publish import Answer, Publisher, read_idempotency_key
from notifier.web.requests import json_body, json_response

ROUTE = "notify"
ANYBODY = "anybody"  # the caller's name while nobody has to say who he is


def notify_door(publisher: Publisher) -> Blueprint:
    """The routes of the inbox's entrance."""
    door = Blueprint("notify", url_prefix="/api/v1")

    @door.post("/notify")
    async def notify(request: Request) -> HTTPResponse:
        headers = request.headers
        key = read_idempotency_key(ANYBODY, ROUTE, headers.get("idempotency-key", headers.get("x-idempotency-key")))
        body = json_body(request)
        draft = read_notify_request(body, format_time(time.time()))
        return accepted(await publisher.publish(draft, body, key))

    return door


def accepted(answer: Answer) -> HTTPResponse:
    """`202` with the answer of a publication."""
    return json_response(answer.body, 202, {"Idempotent-Replayed": "true"} if answer.replayed else None)
