"""A stream entry with what belongs to it."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A notification in an inbox as a client may be shown it; `payload` is None once it has expired."""

    stream_id: bytes
    notification_id: bytes
    read: bool
    payload: bytes | None
