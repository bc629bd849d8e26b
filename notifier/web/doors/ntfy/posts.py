"""Translation: a request to publish into the fields of `/notify`, and a notification into a message of ntfy."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from notifier.domain.checks import url_problem
from notifier.domain.doors import ntfy_id
from notifier.domain.notifications import MAX_MESSAGE, MAX_OWN_KEY, MAX_TITLE
from notifier.domain.times import format_time, parse_time
from notifier.web.doors.ntfy.actions import is_openable, read_actions
from notifier.web.doors.ntfy.delays import due_at
from notifier.web.doors.ntfy.parameters import Parameters
from notifier.web.doors.ntfy.refusals import Refusal

EMPTY = "triggered"
FILE = "You received a file: {}"
POLL = "New message"
PRIORITIES = {name: 1 + place for place, name in enumerate(("min", "low", "default", "high", "max"))} | {"urgent": 5}
OURS = {1: "low", 2: "low", 3: "normal", 4: "high", 5: "high"}
THEIRS = {"low": 2, "high": 4}
BRIEFLY = "1s"  # the shortest life there is: for what is not to be kept

is_sequence = re.compile(r"[-_A-Za-z0-9]{1,64}").fullmatch
_WEB = re.compile(r"https?://").match


class Post(NamedTuple):
    """A request to publish: the fields of `/notify`, its sequence id, when it is to come (Unix seconds, None: now), and
    whether it is to be kept."""

    said: dict[str, Any]
    sequence: str
    due: float | None
    kept: bool


def read_post(topic: str, given: Parameters, body: bytes, sequence: str, now: float) -> Post:
    """The post in a request to publish; `sequence` is the sequence id of its path. Raises `Refusal`."""
    _refuse_what_is_not_done(given)
    kept = given.truth("cache", True)
    due = _due(given, kept, now)
    attachment = _attachment(given)
    own: dict[str, Any] = {"topic": topic}
    data: dict[str, Any] = {"ntfy": own}
    said: dict[str, Any] = {"message": _message(given, body, attachment, own), "data": data}
    _add_title_and_click(said, own, given)
    _add_priority(said, own, given)
    tags = [tag.strip() for tag in given.text("tags").split(",") if tag.strip()]
    data |= ({"tags": tags} if tags else {}) | ({"attachment": attachment} if attachment else {})
    data |= _icon(given) | _looks(given)
    sequence = sequence or given.text("sequence_id")
    if sequence:
        own["sequence_id"] = sequence
        said["key"] = key_of(topic, sequence)
    if due is not None:
        said |= {"deliver_at": format_time(due), "created_at": format_time(due)}
    return Post(said | ({} if kept else {"ttl": BRIEFLY}), sequence, due, kept)


def key_of(topic: str, sequence: str) -> str:
    """The key that a sequence id stands for: it is one of its topic. Raises `Refusal` (40049)."""
    if not is_sequence(sequence):
        raise Refusal(40049)
    key = f"{topic}/{sequence}"
    return key if len(key) <= MAX_OWN_KEY else hashlib.sha256(key.encode()).hexdigest()


def _refuse_what_is_not_done(given: Parameters) -> None:
    if given.text("email"):
        raise Refusal(40001)
    if given.text("call"):
        raise Refusal(40032)


def _due(given: Parameters, kept: bool, now: float) -> float | None:
    delay = given.text("delay")
    if not delay:
        return None
    if not kept:
        raise Refusal(40002)
    return due_at(delay, now)


def _attachment(given: Parameters) -> dict[str, str]:
    url, name = given.text("attach"), given.text("filename")
    if not url:
        if name:  # then the body is a file
            raise Refusal(40014)
        return {}
    if not _WEB(url) or url_problem(url):
        raise Refusal(40013)
    return {"name": name or _file_of(url) or "attachment", "url": url}


def _file_of(url: str) -> str:
    try:
        return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    except ValueError:
        raise Refusal(40013) from None


def _message(given: Parameters, body: bytes, attachment: Mapping[str, str], own: dict[str, Any]) -> str:
    """The body, else the parameter; what is no text is a file, but to UnifiedPush."""
    text = given.text("message").replace("\\n", "\n")
    try:
        text = body.decode().strip() or text
    except UnicodeDecodeError:
        if not given.truth("unifiedpush"):
            raise Refusal(40011 if attachment else 40014, "the body is no UTF-8") from None
        own["encoding"] = "base64"
        text = base64.b64encode(body).decode()
    if given.text("poll_id"):
        text = POLL
    text = text or (FILE.format(attachment["name"]) if attachment else EMPTY)
    if len(text) > MAX_MESSAGE:
        raise Refusal(41301, f"at most {MAX_MESSAGE} characters")
    return text


def _add_title_and_click(said: dict[str, Any], own: dict[str, Any], given: Parameters) -> None:
    title, click = given.text("title"), given.text("click")
    if len(title) > MAX_TITLE:
        raise Refusal(41301, f"at most {MAX_TITLE} characters of title")
    if title:
        said["title"] = title
    if click and not is_openable(click):
        raise Refusal(40000, "click is no address that may be opened")
    if click and url_problem(click):  # mailto:, geo: and the like: for phones, not for the web
        own["click"] = click
    elif click:
        said["url"] = click


def _add_priority(said: dict[str, Any], own: dict[str, Any], given: Parameters) -> None:
    text = given.text("priority").lower()
    if not text:
        return
    number = PRIORITIES.get(text) or (int(text) if re.fullmatch("[1-5]", text) else 0)
    if not number:
        raise Refusal(40007)
    own["priority"] = number
    said["priority"] = OURS[number]


def _icon(given: Parameters) -> dict[str, str]:
    icon = given.text("icon")
    if icon and (not _WEB(icon) or url_problem(icon)):
        raise Refusal(40021)
    return {"icon": icon} if icon else {}


def _looks(given: Parameters) -> dict[str, Any]:
    kind = given.text("content_type").partition(";")[0].strip().lower()
    markdown = given.truth("markdown") or kind == "text/markdown"
    actions = given.text("actions")
    return ({"markdown": True} if markdown else {}) | ({"actions": read_actions(actions)} if actions else {})


def message_of(item: Mapping[str, Any], topic: str) -> dict[str, Any]:
    """A notification as ntfy's clients see it, with the fields that it has. `item` has the fields of a push; `topic` is
    that of what did not come by this door. What `data` holds may be anybody's: what has another type is left out."""
    data = _object(item.get("data"))
    own = _object(data.get("ntfy"))
    attachment = _object(data.get("attachment"))
    key = _text(item, "key")
    fields: dict[str, Any] = {
        "id": ntfy_id(item["notification_id"]),
        "time": int(parse_time(item["created_at"])),
        "event": "message",
        "topic": _text(own, "topic") or topic,
        "sequence_id": _text(own, "sequence_id") or (key if is_sequence(key) else ""),
        "title": _text(item, "title"),
        "message": item["message"],
        "priority": _number(own.get("priority")) or THEIRS.get(_text(item, "priority"), 0),
        "tags": _texts(data.get("tags")),
        "click": _text(item, "url") or _text(own, "click"),
        "icon": _text(data, "icon"),
        "actions": [one for one in _list(data.get("actions")) if isinstance(one, dict)],
        "attachment": attachment if _text(attachment, "url") and _text(attachment, "name") else {},
        "content_type": "text/markdown" if data.get("markdown") is True else "",
        "encoding": _text(own, "encoding"),
    }
    return {name: value for name, value in fields.items() if value or name == "time"}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]


def _number(value: object) -> int:
    return value if type(value) is int and 1 <= value <= 5 else 0
