"""Parameters of ntfy's requests: fields of a JSON body, headers with and without `X-`, and the query, in this order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any

import msgspec

from notifier.web.doors.ntfy.refusals import Refusal

NAMES = {
    "message": ("x-message", "message", "m"),
    "title": ("x-title", "title", "t"),
    "priority": ("x-priority", "priority", "prio", "p"),
    "tags": ("x-tags", "tags", "tag", "ta"),
    "delay": ("x-delay", "delay", "x-at", "at", "x-in", "in"),
    "click": ("x-click", "click"),
    "icon": ("x-icon", "icon"),
    "actions": ("x-actions", "actions", "action"),
    "attach": ("x-attach", "attach", "a"),
    "filename": ("x-filename", "filename", "file", "f"),
    "email": ("x-email", "x-e-mail", "email", "e-mail", "mail", "e"),
    "call": ("x-call", "call"),
    "cache": ("x-cache", "cache"),
    "firebase": ("x-firebase", "firebase"),
    "template": ("x-template", "template", "tpl"),
    "markdown": ("x-markdown", "markdown", "md"),
    "sequence_id": ("x-sequence-id", "sequence-id", "sequence_id", "sid"),
    "poll_id": ("x-poll-id", "poll-id"),
    "unifiedpush": ("x-unifiedpush", "unifiedpush", "up"),
    "id": ("x-id", "id"),
    "since": ("x-since", "since", "si"),
    "poll": ("x-poll", "poll", "po"),
    "scheduled": ("x-scheduled", "scheduled", "sched"),
    "content_type": ("content-type", "content_type"),
}
TRUE, FALSE = ("1", "yes", "true"), ("0", "no", "false")

_IN_JSON = frozenset(NAMES) - {"poll_id", "unifiedpush", "content_type", "template", "id", "since", "poll", "scheduled"}
_WORDS = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=").search
# RFC 9218, which proxies add: no priority of a message (ntfy, server/util.go).
_OF_HTTP = re.compile(r"u=\d(?:,\s*(?:i|\d))?|i").fullmatch


class Parameters:
    """The parameters of one request."""

    def __init__(
        self, own: Mapping[str, str], header: Callable[[str, str], str], query: Iterable[tuple[str, str]]
    ) -> None:
        """`own` are those of the JSON body, by the names of `NAMES`; `header(name, default)` looks a header up."""
        self._own = own
        self._header = header
        self._query: dict[str, str] = {}
        for name, value in query:
            self._query.setdefault(name.lower(), value)

    def text(self, name: str) -> str:
        """The value of a parameter, empty where there is none."""
        if self._own.get(name):
            return self._own[name]
        names = NAMES[name]
        return next(filter(None, (*map(self._in_header, names), *map(self._in_query, names))), "")

    def truth(self, name: str, default: bool = False) -> bool:
        """The value of a parameter that is yes or no."""
        value = self.text(name).lower()
        return value in TRUE if value else default

    def _in_header(self, name: str) -> str:
        value = decoded(self._header(name, ""))
        return "" if name == "priority" and _OF_HTTP(value) else value

    def _in_query(self, name: str) -> str:
        return self._query.get(name, "").strip()


def decoded(value: str) -> str:
    """The text of a header: UTF-8, else Latin-1; words of RFC 2047 are decoded."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:  # bytes that are no UTF-8, as our reader of heads keeps them
            value = value.encode("utf-8", "surrogateescape").decode("latin-1")
    if _WORDS(value):
        try:
            value = str(make_header(decode_header(value))).strip() or value
        except (HeaderParseError, LookupError, ValueError):  # of an unknown charset: as it came
            return value.strip()
    return value.strip()


def read_json(body: bytes) -> tuple[str, dict[str, str]]:
    """The topic and the parameters in a JSON body, `actions` as JSON; raises `Refusal` (40009, 40017, 40018)."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Refusal(40017) from None
    if not isinstance(found, dict):
        raise Refusal(40017)
    topic = found.get("topic")
    if not isinstance(topic, str):
        raise Refusal(40009)
    return topic, {name: _text_of(name, found[name]) for name in _IN_JSON if found.get(name) is not None}


def _text_of(name: str, value: Any) -> str:
    """A field of a JSON body as the header that it stands for would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int) and name in ("priority", "delay"):
        return str(value) if value else ""
    if isinstance(value, list) and name == "tags" and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, list) and name == "actions":
        return msgspec.json.encode(value).decode() if value else ""
    raise Refusal(40017, f"{name} has another type")
