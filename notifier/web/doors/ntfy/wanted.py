"""A subscription as its request asks for it: topics, beginning, filters (server/server.go, parseSubscribeParams)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from notifier.web.doors.ntfy.dialect import allowed
from notifier.web.doors.ntfy.parameters import Parameters
from notifier.web.doors.ntfy.posts import PRIORITIES
from notifier.web.doors.ntfy.refusals import Refusal

MAX_TOPICS = 64
DEFAULT_PRIORITY = 3

_is_topic = re.compile(r"[-_A-Za-z0-9]{1,64}").fullmatch
_is_id = re.compile(r"[A-Za-z0-9]{12}").fullmatch
_is_number = re.compile(r"[0-9]{1,11}").fullmatch
_is_duration = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{0,9})?(?:ns|us|µs|ms|s|m|h))+").fullmatch  # Go, time.ParseDuration
_parts = re.compile(r"([0-9.]+)(ns|us|µs|ms|s|m|h)").findall
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Since(NamedTuple):
    """The beginning of a subscription: `all`, `none`, `latest`, `time` with Unix seconds `at`, or `id` with an `id`."""

    kind: str
    at: float = 0.0
    id: str = ""


class Wanted(NamedTuple):
    """A subscription. Empty filters take everything."""

    topics: tuple[str, ...]
    since: Since
    poll: bool
    scheduled: bool
    id: str
    message: str
    title: str
    priorities: frozenset[int]
    tags: frozenset[str]

    def takes(self, message: Mapping[str, Any]) -> bool:
        """True for a message of these topics that the filters take; of clears and deletes the topic alone counts."""
        if message["topic"] not in self.topics:
            return False
        return message["event"] != "message" or self._takes_content(message)

    def _takes_content(self, message: Mapping[str, Any]) -> bool:
        if (self.id and message["id"] != self.id) or (self.message and message["message"] != self.message):
            return False
        if self.title and message.get("title", "") != self.title:
            return False
        if self.priorities and message.get("priority", DEFAULT_PRIORITY) not in self.priorities:
            return False
        return self.tags <= frozenset(message.get("tags", ()))


def read_wanted(topics: str, given: Parameters, now: float) -> Wanted:
    """The subscription that a request asks for; raises `Refusal` (40007-40010)."""
    names = tuple(dict.fromkeys(topics.split(",")))
    if len(names) > MAX_TOPICS or not all(map(_is_topic, names)):
        raise Refusal(40009)
    poll = given.truth("poll")
    return Wanted(
        tuple(map(allowed, names)),
        read_since(given.text("since"), poll, now),
        poll,
        given.truth("scheduled"),
        given.text("id"),
        given.text("message"),
        given.text("title"),
        frozenset(map(_priority, _list(given.text("priority")))),
        frozenset(_list(given.text("tags"))),
    )


def read_since(text: str, poll: bool, now: float) -> Since:
    """The beginning that `since` says: where it says nothing, all for a poll, and nothing for a stream.

    Raises `Refusal` (40008).
    """
    if text in ("all", "none", "latest"):
        return Since(text)
    if not text:
        return Since("all" if poll else "none")
    if _is_id(text):
        return Since("id", id=text)
    if _is_number(text):
        return Since("time", float(text))
    if _is_duration(text):
        try:
            return Since("time", now - sum(float(number) * _UNITS[unit] for number, unit in _parts(text)))
        except ValueError:  # 1.2.3s
            raise Refusal(40008) from None
    raise Refusal(40008)


def _list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _priority(text: str) -> int:
    number = PRIORITIES.get(text.lower()) or (int(text) if re.fullmatch("[1-5]", text) else 0)
    if not number:
        raise Refusal(40007)
    return number
