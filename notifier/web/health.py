"""`GET /health`, `/health/live`, `/health/ready`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sanic import Blueprint, HTTPResponse, Request

from notifier.web.requests import json_response

_encode = msgspec.json.Encoder().encode


def health_door(report: Callable[[], dict[str, Any]], ready: Callable[[], bool]) -> Blueprint:
    """The routes of health. `report` answers at once, from what is known."""
    door = Blueprint("health")

    @door.get("/health")
    async def health(request: Request) -> HTTPResponse:
        body = report()
        return json_response(_encode(body), 503 if body["status"] == "unavailable" else 200)

    @door.get("/health/live")
    async def live(request: Request) -> HTTPResponse:
        return json_response(b'{"status":"ok"}')

    @door.get("/health/ready")
    async def is_ready(request: Request) -> HTTPResponse:
        return json_response(b'{"status":"ok"}') if ready() else json_response(b'{"status":"unavailable"}', 503)

    return door
