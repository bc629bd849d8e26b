"""An inbox as a subscriber of ntfy's sees it: notifications and what becomes of them, as ntfy's events."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from notifier.domain.doors import in_base62, ntfy_id
from notifier.domain.ids import random_id
from notifier.domain.times import format_time, parse_time
from notifier.domain.users import User
from notifier.live.connection import NEVER
from notifier.live.follower import Document
from notifier.web.doors.ntfy.posts import message_of
from notifier.web.doors.ntfy.wanted import Since, Wanted

MOST_KNOWN = 4_000  # notifications of one subscriber whose topic or sequence id is remembered
MOST_ACTIONS = 3  # that ntfy's apps show
MOVED = 30.0  # seconds between a notification's time and its place in the stream beyond which it was put off or bumped

Event = dict[str, Any]


class Place(NamedTuple):
    """Where a notification stands for ntfy's clients: its topic, and the sequence id under which it is one line."""

    topic: str
    sequence: str


class Feed:
    """The events of one subscription."""

    def __init__(
        self, user: User, wanted: Wanted, now: Callable[[], float], read_link: Callable[[str], str] | None
    ) -> None:
        """`now` is in Unix seconds; `read_link` answers the address that marks a notification read, None: there is
        none."""
        self._wanted = wanted
        self._own_topic = user.key
        self._now = now
        self._read_link = read_link
        self._known: dict[str, Place] = {}

    def opened(self) -> Event:
        """`open`, the first event of all."""
        return self._sign("open")

    def past(self, items: Sequence[Mapping[str, Any]]) -> list[Event]:
        """The events of a history, the oldest item first, since when the subscription says.

        What was archived is left out. What was read, of before that time as well, is cleared: its client may have had
        it, and was told of nothing since.
        """
        since = self._wanted.since
        items = list(map(plain, items))
        start, told = _start(since, items)
        messages = [self._message(item) for item in items]
        if since.kind == "latest":
            return _newest_of_each_topic(filter(self._wanted.takes, messages))
        found: list[Event] = []
        for position, (item, message) in enumerate(zip(items, messages, strict=True)):
            later = position >= start
            if later and not item.get("archived_at"):
                found.append(message)
            if item["read"] and (message in found[-1:] if later else _read_at(item) >= told):
                found.append(self._gone("message_clear", item["notification_id"]))
        return list(filter(self._wanted.takes, found))

    def of(self, document: Document) -> list[Event]:
        """The events of what came live."""
        return [event for event in self._events(document) if event["event"] == "keepalive" or self._wanted.takes(event)]

    def _events(self, document: Document) -> Iterator[Event]:
        data = document["data"]
        match document["type"]:
            case "beat":
                yield self._sign("keepalive")
            case "notification.push" if data["status"] == "auto_cleared":
                yield self._gone("message_delete", data["notification_id"])
            case "notification.push" | "notification.update":
                yield self._message(plain(data))
            case "notification.removed":
                yield self._gone("message_delete", data["notification_id"])
            case "notification.read.ack":
                yield self._gone("message_clear", data["notification_id"])
            case "notification.state" if data["snoozed_until"]:
                yield self._gone("message_clear", data["notification_id"])

    def _message(self, item: Mapping[str, Any]) -> Event:
        """A notification as a message; its topic and sequence id are remembered for what becomes of it."""
        identity, first = id_of(item), ntfy_id(item["notification_id"])
        message = message_of(item, self._own_topic)
        message["id"] = identity
        sequence = message.get("sequence_id") or first
        if sequence != identity:
            message["sequence_id"] = sequence
        if not item["read"]:
            self._offer_reading(message, item["notification_id"])
        self._remember(item["notification_id"], Place(message["topic"], sequence))
        return message

    def _offer_reading(self, message: Event, notification_id: str) -> None:
        actions = message.get("actions", [])
        if self._read_link is not None and len(actions) < MOST_ACTIONS:
            link = self._read_link(notification_id)
            own = {"id": message["id"][:10], "action": "http", "label": "Mark read", "url": link, "method": "POST"}
            message["actions"] = [*actions, own | {"clear": True}]

    def _remember(self, notification_id: str, place: Place) -> None:
        self._known.pop(notification_id, None)
        if place != (self._own_topic, ntfy_id(notification_id)):
            self._known[notification_id] = place
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]

    def _gone(self, event: str, notification_id: str) -> Event:
        place = self._known.get(notification_id) or Place(self._own_topic, ntfy_id(notification_id))
        head = {"id": ntfy_id(random_id()), "time": int(self._now()), "event": event}
        return head | {"topic": place.topic, "sequence_id": place.sequence}

    def _sign(self, event: str) -> Event:
        topic = ",".join(self._wanted.topics)
        return {"id": ntfy_id(random_id()), "time": int(self._now()), "event": event, "topic": topic}


def plain(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A notification without the key that came with it another way than by this door, which live frames do not say; one
    whose time is none, as another program may have stored it, has that of its place in the stream."""
    told = {name: value for name, value in item.items() if name != "key"}
    try:
        parse_time(told["created_at"])
    except ValueError:
        told["created_at"] = format_time(_time_of(item))
    return told


def id_of(item: Mapping[str, Any]) -> str:
    """The id of a message: that of its notification where it stands as it first came, and another one for each change
    and each return, so that a client takes it for new, and is told what followed the one that it knew."""
    revision, stream_id = item.get("revision", 1), item["stream_id"]
    moved = float(stream_id.partition("-")[0]) / 1000 - parse_time(item["created_at"]) > MOVED
    if revision == 1 and not moved:
        return ntfy_id(item["notification_id"])
    name = f"{item['notification_id']}:{revision}:{stream_id}"
    return in_base62(hashlib.sha256(name.encode()).digest()[:16])


def _start(since: Since, items: Sequence[Mapping[str, Any]]) -> tuple[int, float]:
    """The place in a history at which a subscription begins (an unknown id: at its beginning), and the time (Unix
    seconds) until which its client was told what became of what is before."""
    if since.kind == "time":
        at = int(since.at)
        return next((place for place, item in enumerate(items) if _time_of(item) >= at), len(items)), at
    if since.kind == "id":
        for place, item in enumerate(items):
            if id_of(item) == since.id:
                return place + 1, _time_of(item)
    return len(items) if since.kind == "none" else 0, NEVER


def _time_of(item: Mapping[str, Any]) -> float:
    """The time at which a notification came to its place, in whole seconds, as ntfy's are."""
    return int(item["stream_id"].partition("-")[0]) // 1000


def _read_at(item: Mapping[str, Any]) -> float:
    when = item.get("read_at") or item.get("archived_at")
    return parse_time(when) if when else 0.0


def _newest_of_each_topic(messages: Iterator[Event]) -> list[Event]:
    newest: dict[str, Event] = {}
    for message in messages:
        newest.pop(message["topic"], None)
        newest[message["topic"]] = message
    return list(newest.values())
