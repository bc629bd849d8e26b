"""CloudEvents 1.0 over HTTP: one event in headers, one in the body, or several; and the handshake by which a sender
asks whether it may send at all (CloudEvents, HTTP Protocol Binding 1.0.2, HTTP 1.1 Web Hooks 1.0.1).
"""

from __future__ import annotations

import binascii
import contextlib
from base64 import b64decode
from typing import Any
from urllib.parse import unquote

from sanic import HTTPResponse, Request

from notifier.domain.bodies import canonical, read_json
from notifier.domain.notifications import MAX_CATEGORY, MAX_MESSAGE
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.service.doors import Visitor
from notifier.web.doors.hooks import (
    Hook,
    fitting,
    lasting,
    links,
    message_of,
    object_in,
    one_line,
    plain,
    title_of,
    token_of,
)

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
VERSIONS = ("1.0", "0.3")
REQUIRED = ("id", "source", "type")
CONTENT = ("data", "data_base64")
MAX_EVENTS = 1000  # of one batch
MAX_NAMED = 64  # bad events that an answer names
TEXTS = ("message", "text", "description", "body", "summary")  # members of the data that are shown as the message

Event = dict[str, Any]


class CloudEvents(Hook):
    """`/hooks/cloudevents`."""

    async def take(self, request: Request) -> HTTPResponse:
        """Stores a notification of each event; one that came before, by `source` and `id`, stores nothing."""
        if request.method == "OPTIONS":
            return await self._allow(request)
        visitor = await self.visitor_of(request)
        targets, lives = self.targets_of(request, visitor), lasting(request)
        for event in checked(events_in(request)):
            said = said_of(event) | lives
            if visitor.terms.category:
                del said["category"]  # the key's own goes before that of the event
            once = canonical(["cloudevents", event["source"], event["id"]]).decode()
            await self.service.publish(visitor, targets, said, once)
        return HTTPResponse(b"", 200)  # Knative takes any other body for an event, or for a failure

    async def _allow(self, request: Request) -> HTTPResponse:
        """The answer to the handshake: whoever asks may send, within the rate of the key whose token came along."""
        headers = {
            "Allow": "POST, OPTIONS",
            "WebHook-Allowed-Origin": request.headers.get("webhook-request-origin", "*"),
            "WebHook-Allowed-Rate": "*",
        }
        visitor = await self._asking(request)
        if visitor is not None and visitor.terms.rate is not None:
            number, window = visitor.terms.rate
            headers["WebHook-Allowed-Rate"] = str(max(1, int(number * 60 / window)))  # per minute
        return HTTPResponse(status=200, headers=headers)

    async def _asking(self, request: Request) -> Visitor | None:
        try:
            return await self.visitor_of(request)
        except NotifierError as error:
            if error.code is ErrorCode.UNAUTHENTICATED and not token_of(request):
                return None  # the handshake establishes no authentication: events without a key are refused
            raise


def events_in(request: Request) -> list[Any]:
    """The events of a request in any of the three modes. Raises `NotifierError` (`bad_request`,
    `unsupported_media_type`)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == STRUCTURED:
        return [read_json(request.body)]
    if kind == BATCH:
        events = read_json(request.body)
        if type(events) is not list:
            raise NotifierError(ErrorCode.BAD_REQUEST, "a batch must be a list of events")
        return events
    attributes = {name[3:]: unquote(value) for name, value in request.headers.items() if name.startswith("ce-")}
    if kind.startswith("application/cloudevents") or not attributes:
        taken = f"send {STRUCTURED}, {BATCH}, or the attributes of an event as ce- headers"
        raise NotifierError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, taken)
    return [{**attributes, "data": content_of(request.body, kind)}]


def checked(events: list[Any]) -> list[Event]:
    """The same events, each with what it must have. Raises `NotifierError` (`invalid`, `too_large`)."""
    if len(events) > MAX_EVENTS:
        raise NotifierError(ErrorCode.TOO_LARGE, f"at most {MAX_EVENTS} events at a time")
    errors = [error for place, event in enumerate(events) for error in problems_of(place, object_in(event))]
    if errors:
        raise NotifierError(ErrorCode.INVALID, "this is no CloudEvent", errors[:MAX_NAMED])
    return events


def problems_of(place: int, event: Event) -> list[FieldError]:
    """The attributes that an event lacks."""
    missing = [name for name in REQUIRED if type(event.get(name)) is not str or not event[name]]
    errors = [FieldError(f"[{place}].{name}", "must be a string that is not empty") for name in missing]
    if event.get("specversion") not in VERSIONS:
        errors.append(FieldError(f"[{place}].specversion", f"must be one of {', '.join(VERSIONS)}"))
    return errors


def content_of(body: bytes, kind: str) -> object:
    """The data of an event: JSON where it is JSON, else text; None where it is neither."""
    if not body:
        return None
    if kind in ("", "application/json") or kind.endswith("+json"):
        with contextlib.suppress(NotifierError):  # the data are the sender's: what is no JSON is shown as it came
            return read_json(body)
    try:
        return body.decode()
    except ValueError:
        return None


def data_of(event: Event) -> object:
    """The data of an event, also of one that carries it in base 64."""
    packed = event.get("data_base64")
    if event.get("datacontentencoding") == "base64":  # as version 0.3 says it
        packed = event.get("data")
    if type(packed) is not str:
        return event.get("data")
    try:
        body = b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content_of(body, str(event.get("datacontenttype", "")).partition(";")[0].strip().lower())


def said_of(event: Event) -> Event:
    """The fields of a notification of an event."""
    data, kind, source = data_of(event), one_line(event["type"]), one_line(event["source"])
    attributes = {one_line(name, 64): plain(value) for name, value in event.items() if name not in CONTENT}
    return {
        "title": title_of(event.get("subject"), kind),
        "message": message_of(text_in(data), f"{kind} from {source}"),
        "category": plain(kind, MAX_CATEGORY),
        "data": fitting({"cloudevent": fitting(attributes), "data": data}, "data", "cloudevent"),
        **links(object_in(data).get("url"), source if source.startswith(("https://", "http://")) else None),
    }


def text_in(data: object) -> str:
    """The message in the data of an event: its text, a member that is one, else all of it as JSON."""
    if data is None or type(data) is str:
        return plain(data, MAX_MESSAGE)
    told = next((data[name] for name in TEXTS if type(data.get(name)) is str), None) if type(data) is dict else None
    return plain(told, MAX_MESSAGE) or plain(canonical(data).decode(), MAX_MESSAGE)
