"""Messages of the server over a WebSocket, and the error of a client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from notifier.client.positions import is_stream_id

PUSH, READ_ACK, ERROR = "notification.push", "notification.read.ack", "error"
SYNC_COMPLETE, SYNC_RESPONSE = "sync.complete", "sync.response"
INBOX_COUNTS, REMOVED = "inbox.counts", "notification.removed"
LATER = ("rate_limited", "unavailable")  # errors that pass: what they answer may be said again


class ClientError(Exception):
    """No server was reached, or it refused; the message says why. `status` is that of HTTP, 0 without an answer;
    `code` is the WebSocket's close code that forbids to come back, 0 without one."""

    def __init__(
        self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None, *, code: int = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = dict(problem or {})
        self.code = code


class Message(NamedTuple):
    """A message of the server: `type` and `data` of contract and protocol. Messages of this client have the type
    `client.state` and data with `state`: `connected`; or `waiting`, with `delay` in seconds, `reason`, and `code`, the
    close code (None without one)."""

    type: str
    data: Any


def read_message(text: str) -> Message | None:
    """Decodes a frame; None for a message that the protocol does not know."""
    try:
        body = json.loads(text)
        kind, data = body["type"], body["data"]
        sound = isinstance(kind, str) and _is_sound(kind, data)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return Message(kind, data) if sound else None


def _is_sound(kind: str, data: Any) -> bool:
    if kind == SYNC_RESPONSE:
        return isinstance(data, list) and all(_is_sound(PUSH, one) for one in data)
    if kind == SYNC_COMPLETE:
        return isinstance(data["total"], int)
    if kind == INBOX_COUNTS:
        return all(isinstance(data[name], int) for name in ("unread", "unseen", "total", "rev"))
    sound = all(isinstance(data[name], str) for name in _NEEDED.get(kind, ()))
    return sound and (kind != PUSH or is_stream_id(data["stream_id"]))


_NEEDED = {
    PUSH: ("notification_id", "stream_id", "status"),
    READ_ACK: ("notification_id",),
    REMOVED: ("notification_id",),
    ERROR: ("code",),
}
