"""Order in a user's stream, by its ids: never by a clock, nor by `created_at`."""

from __future__ import annotations

import re

_STREAM_ID = re.compile(r"\d{1,20}(-\d{1,20})?", re.ASCII)


def is_stream_id(text: str) -> bool:
    """True for a text of the form `<ms>-<n>`."""
    return _STREAM_ID.fullmatch(text) is not None


def position(stream_id: str) -> tuple[int, int]:
    """A stream id as something that can be compared."""
    milliseconds, _, count = stream_id.partition("-")
    return int(milliseconds), int(count or 0)
