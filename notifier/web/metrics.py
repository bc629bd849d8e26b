"""`GET /metrics` for Prometheus and `GET /api/v1/metrics` as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import ujson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics import exposition as openmetrics
from sanic import Blueprint, HTTPResponse, Request

from notifier.web.negotiation import best_type

FORMS = ("text/plain", "application/openmetrics-text", "application/json")


def metrics_door(registry: CollectorRegistry, snapshot: Callable[[], Awaitable[dict[str, Any]]]) -> Blueprint:
    """The routes of metrics; `snapshot` sums the cluster's up."""
    door = Blueprint("metrics")

    @door.get("/metrics")
    async def scrape(request: Request) -> HTTPResponse:
        response = await _in_form(best_type(request, FORMS))
        response.headers["Vary"] = "Accept"
        return response

    async def _in_form(kind: str) -> HTTPResponse:
        if kind == "application/json":
            return await _as_json(snapshot)
        if kind == "application/openmetrics-text":
            return HTTPResponse(openmetrics.generate_latest(registry), content_type=openmetrics.CONTENT_TYPE_LATEST)
        return HTTPResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @door.get("/api/v1/metrics")
    async def as_json(request: Request) -> HTTPResponse:
        return await _as_json(snapshot)

    return door


async def _as_json(snapshot: Callable[[], Awaitable[dict[str, Any]]]) -> HTTPResponse:
    body = ujson.dumps(await snapshot(), escape_forward_slashes=False, ensure_ascii=False)
    return HTTPResponse(body, content_type="application/json")
