"""Answers of the fake server: times, problems, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

Json = dict[str, Any]
ADMIN = "/api/v1/admin"


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def problem(status: int, detail: str, errors: list[Json] | None = None) -> web.Response:
    body = {"type": "about:blank", "title": detail, "status": status, "detail": detail, "errors": errors or []}
    return web.json_response(body, status=status, content_type="application/problem+json")


def page_of(request: web.Request, name: str, rows: list[Any]) -> Json:
    start, limit = int(request.query.get("cursor") or 0), int(request.query.get("limit", 100))
    following = start + limit if start + limit < len(rows) else None
    return {
        name: rows[start : start + limit],
        "total": len(rows),
        "next_cursor": None if following is None else str(following),
    }
