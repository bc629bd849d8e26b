"""Action buttons as ntfy's senders write them: JSON, or `view, Open portal, https://…; http, …` (server/actions.go)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from notifier.domain.checks import url_problem
from notifier.web.doors.ntfy.refusals import Refusal

MAX_ACTIONS = 3
KINDS = ("view", "http", "broadcast", "copy")

_WITH_URL = ("view", "http")
_TEXTS = ("action", "label", "url", "method", "body", "intent", "value")
_MAPS = ("headers", "extras")
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_IN_ORDER = ("action", "label")  # the names of parts without one; the third is `url`, or `value` of `copy`
_KEY = re.compile(r"([-.\w]+)\s*=\s*").match
_SPACES = re.compile(r"\s*").match
_OPENABLE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S*").fullmatch
_SCRIPTS = ("javascript:", "vbscript:", "data:")


def read_actions(value: str | Sequence[Any]) -> list[dict[str, Any]]:
    """The actions in a text of either form, or in a decoded list; raises `Refusal` (40018)."""
    rows = list(_rows_in(value.strip()) if isinstance(value, str) else map(_row_of, value))
    if len(rows) > MAX_ACTIONS:
        raise Refusal(40018, f"only {MAX_ACTIONS} actions allowed")
    return [_checked(row, number) for number, row in enumerate(rows)]


def is_openable(url: str) -> bool:
    """True for an address that a phone may open: of any scheme but those that run a script."""
    return url_problem(url) is None or (
        len(url) <= 2048 and bool(_OPENABLE(url)) and not url.lower().startswith(_SCRIPTS)
    )


def _checked(row: dict[str, Any], number: int) -> dict[str, Any]:
    kind = row["action"] = str(row.get("action", "")).lower()
    if kind not in KINDS:
        raise Refusal(40018, f"parameter 'action' cannot be '{kind[:40]}', valid values are {', '.join(KINDS)}")
    needed = ["label", *(["url"] if kind in _WITH_URL else ["value"] if kind == "copy" else [])]
    for name in needed:
        if not row.get(name):
            raise Refusal(40018, f"parameter '{name}' is required for action '{kind}'")
    if kind in _WITH_URL and not is_openable(row["url"]):
        raise Refusal(40018, "parameter 'url' is no address that may be opened")
    if "method" in row:
        row["method"] = row["method"].upper()
    if kind == "http" and row.get("method") in ("GET", "HEAD") and row.get("body"):
        raise Refusal(40018, f"parameter 'body' cannot be set if method is {row['method']}")
    # The same each time a request is repeated: the two must be told from a request with other content.
    identity = hashlib.sha256(f"{number}{row}".encode("utf-8", "replace")).hexdigest()[:10]
    return {"id": identity, **row, "clear": row.get("clear", False)}


def _row_of(item: object) -> dict[str, Any]:
    """An action of a decoded list; empty fields count as not given."""
    if not isinstance(item, dict):
        raise Refusal(40018, "an action must be an object")
    row = {name: item[name] for name in (*_TEXTS, *_MAPS, "clear") if item.get(name)}
    if not all(isinstance(row.get(name, ""), str) for name in _TEXTS) or not all(
        _is_map(row.get(name, {})) for name in _MAPS
    ):
        raise Refusal(40018, "a field of an action has another type")
    return row if "clear" not in row else row | {"clear": _truth_of(row["clear"])}


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _truth_of(value: object) -> bool:
    text = str(value).lower()
    if text not in (*_YES, *_NO):
        raise Refusal(40018, f"parameter 'clear' cannot be '{text[:40]}', only boolean values are allowed")
    return text in _YES


def _rows_in(text: str) -> Iterator[dict[str, Any]]:
    if not text.startswith("["):
        yield from _Parser(text).rows()
        return
    try:
        found = msgspec.json.decode(text.encode())
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Refusal(40018, "this is no JSON") from None
    yield from map(_row_of, found)


class _Parser:
    """Reads the short form from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every action."""
        while self._at < len(self._text):
            yield self._row()

    def _row(self) -> dict[str, Any]:
        row: dict[str, Any] = {}
        place = 0
        while True:
            key, value, last = self._part()
            _put(row, key or _name_at(place, row), value)
            self._skip()
            if last:
                return row
            place += 1

    def _part(self) -> tuple[str, str, bool]:
        self._skip()
        match = _KEY(self._text, self._at)
        if match is not None:
            self._at = match.end()
        quote = self._text[self._at : self._at + 1]
        value = self._quoted(quote) if quote in ('"', "'") and quote else self._plain()
        return match[1] if match else "", value, self._end()

    def _plain(self) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in ",;":
            self._at += 1
        return self._text[start : self._at].strip()

    def _quoted(self, quote: str) -> str:
        start = self._at = self._at + 1
        while True:
            end = self._text.find(quote, self._at)
            if end < 0:
                raise Refusal(40018, f"unexpected end of input, quote started at position {start}")
            self._at = end + 1
            if self._text[end - 1] != "\\" or end == start:
                break
        self._skip()
        return self._text[start:end].replace("\\" + quote, quote)

    def _end(self) -> bool:
        """Goes past the end of a part; True at that of an action."""
        if self._at >= len(self._text):
            return True
        mark = self._text[self._at]
        if mark not in ",;":
            raise Refusal(40018, f"unexpected character '{mark}' at position {self._at}")
        self._at += 1
        return mark == ";"

    def _skip(self) -> None:
        match = _SPACES(self._text, self._at)
        self._at = match.end() if match else self._at


def _name_at(place: int, row: Mapping[str, Any]) -> str:
    if place < len(_IN_ORDER):
        return _IN_ORDER[place]
    kind = str(row.get("action", "")).lower()
    return ("url" if kind in _WITH_URL else "value" if kind == "copy" else "") if place == 2 else ""


def _put(row: dict[str, Any], key: str, value: str) -> None:
    group, _, name = key.partition(".")
    if name and group in _MAPS:
        row.setdefault(group, {})[name] = value
    elif key.lower() in _TEXTS:
        row[key.lower()] = value
    elif key.lower() == "clear":
        row["clear"] = _truth_of(value)
    else:
        raise Refusal(40018, f"key '{key[:40]}' unknown" if key else f"term '{value[:40]}' unknown")
