"""Entries of an inbox as JSON, with the payload as it is stored."""

from __future__ import annotations

import msgspec

from notifier.domain.entries import Entry

_NO_PAYLOAD = msgspec.Raw(b"null")


def entry(row: Entry) -> dict[str, object]:
    """`id`, `payload` and `read` of an entry; the payload of an expired one is null."""
    payload = _NO_PAYLOAD if row.payload is None else msgspec.Raw(row.payload)
    return {"id": row.stream_id.decode(), "payload": payload, "read": row.read}


def history_entry(row: Entry) -> dict[str, object]:
    """An entry with its status: `read`, `unread`, or `auto_cleared` once it has expired."""
    status = "auto_cleared" if row.payload is None else "read" if row.read else "unread"
    return entry(row) | {"notification_id": row.notification_id.decode(), "status": status}
