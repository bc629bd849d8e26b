"""Calls of the operators' API, for commands that need no more than a few of them."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from notifier.cli import Failure
from notifier.cli.text import safe

TIMEOUT = 15.0
MAX_ANSWER = 4 * 1024 * 1024
_HINTS = {401: "; give --token, such as the server's ADMIN_TOKEN", 403: "; a key with the scope admin may"}


def call(url: str, token: str | None, method: str, path: str, body: object = None) -> Any:
    """The decoded answer (None where it has no body) to a request below `/api/v1/admin/`; raises `Failure`."""
    status, text = _ask(url, token, method, path, body)
    try:
        answer = json.loads(text) if text else None
    except (ValueError, RecursionError):
        raise Failure(f"what answers at {url} is no notifier ({status})") from None
    if status >= 300:
        raise Failure(safe(_refusal(status, answer)))
    return answer


def _ask(url: str, token: str | None, method: str, path: str, body: object) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "localhost", parts.port, timeout=TIMEOUT)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = None if body is None else json.dumps(body).encode()
    try:
        connection.request(
            method, f"{parts.path}/api/v1/admin/{path}", content, {"Content-Type": "application/json"} | headers
        )
        response = connection.getresponse()
        return response.status, response.read(MAX_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"no server answers at {url}: {error or type(error).__name__}; is it running?") from None
    finally:
        connection.close()


def _refusal(status: int, answer: Any) -> str:
    problem = answer if isinstance(answer, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or "refused")
    errors = problem.get("errors")
    named = (
        [f"{e.get('path')}: {e.get('message')}" for e in errors if isinstance(e, dict)]
        if isinstance(errors, list)
        else []
    )
    return f"{detail} ({status})" + (f": {'; '.join(named)}" if named else "") + _HINTS.get(status, "")
