"""A request to `/notify` of the usual form, checked while it is decoded.

What is not of that form, or wrong in any way, is left to `notifications.py`, which names every fault: the two agree on
whatever this one takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from notifier.domain.notifications import MAX_MESSAGE, MAX_SOURCE, MAX_TARGETS, Content
from notifier.domain.times import format_time, normalise_time
from notifier.domain.users import MAX_USER_ID


class Target(Struct, forbid_unknown_fields=True):
    """A user as a request names them."""

    id: Annotated[int, Meta(ge=1, le=MAX_USER_ID)]
    login: str


class _Request(Struct, forbid_unknown_fields=True):
    target: Annotated[list[Target], Meta(min_length=1, max_length=MAX_TARGETS)]
    message: Annotated[str, Meta(min_length=1, max_length=MAX_MESSAGE)]
    source: Annotated[str, Meta(max_length=MAX_SOURCE)] = ""
    created_at: str | UnsetType = UNSET


class _Shared(Struct):
    message: str
    created_at: str
    source: str


class PlainNotify(Struct):
    """A valid request: its targets, perhaps with repeats and logins that are not in normal form, and its content, as
    `Content` holds it."""

    targets: list[Target]
    fragment: bytes
    message: str
    source: str

    @property
    def content(self) -> Content:
        """The content, as the general reader makes it."""
        return Content(self.fragment, b"", None, self.message, self.source)


_decode = msgspec.json.Decoder(_Request).decode
_encode = msgspec.json.Encoder().encode


def read_plain(body: bytes, now: Callable[[], float]) -> PlainNotify | None:
    """The request in a body; None where another reader has to look at it. `now` answers Unix seconds."""
    try:
        request = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    message, source, created = request.message, request.source, request.created_at
    if "\0" in message or "\0" in source:
        return None
    time = format_time(now()) if created is UNSET else normalise_time(created)
    if time is None:
        return None
    fragment = _encode(_Shared(message, time, source))[1:-1]
    return PlainNotify(request.target, fragment, message, source)
