"""Gotify's door: messages as its senders post them, and its apps' side: login, list, delete (gotify/server, router.go).

An inbox is one application, number 1. Gotify has no state *read*: what its apps delete is marked read and archived.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec
from sanic import HTTPResponse, Request

from notifier.domain.access import Caller
from notifier.domain.checks import data_problem, url_problem
from notifier.domain.doors import around_gotify_id, gotify_id
from notifier.domain.notifications import MAX_MESSAGE, MAX_TITLE
from notifier.domain.states import InboxFilter
from notifier.domain.times import format_time
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.live.follower import Document, SocketFollower
from notifier.service.doors import Stored
from notifier.web.doors.base import Door, first_problem, form_of, json_answer, query_of, token_in_header
from notifier.web.doors.following import follow_by_socket, history

APPLICATION = 1
# The release of Gotify whose API this is, which clients show, and its date: newer ones than 2 have other tokens.
SPOKEN, SPOKEN_SINCE = "2.9.1", "2026-02-28T17:56:17Z"
KEYLESS = "C-no-key-needed"  # an app keeps some token, also where none is asked for: 15 long, with a C as Gotify's
LIMIT, MAX_LIMIT = 100, 200
MAX_SINCE = 2**53
MAX_PRIORITY = 2**31 - 1
PRIORITIES = {"low": 2, "normal": 5, "high": 8}  # of what came another way
MAIN = InboxFilter()
_STATUSES = {ErrorCode.INVALID: 400}
_CLICK, _DISPLAY, _MARKDOWN = "client::notification", "client::display", "text/markdown"


class Gotify(Door):
    name: ClassVar[str] = "gotify"

    def refuse(self, request: Request, error: NotifierError, status: int) -> HTTPResponse:
        code = _STATUSES.get(error.code, status)
        body = {"error": HTTPStatus(code).phrase, "errorCode": code, "errorDescription": first_problem(error)}
        return json_answer(body, code, error)

    # -- senders

    async def publish(self, request: Request) -> HTTPResponse:
        """`POST /message`: stores a message for the users of the key."""
        visitor = await self.service.enter(self.name, token_of(request))
        message = message_in(fields_of(request), visitor.name)
        date = format_time(self.service.now())
        targets = self.service.targets_of(visitor)
        stored = await self.service.publish(visitor, targets, said_by(message) | {"created_at": date})
        head = {"id": await self._number_of(stored[0]), "appid": APPLICATION}
        return json_answer(head | message | {"date": date})

    async def _number_of(self, stored: Stored) -> int:
        """The number of what was stored just now; of the first user where there are several."""
        if stored.stream_id:
            return gotify_id(stored.stream_id)
        try:  # stored by a try whose answer was lost
            entry = await self.service.states.one(stored.user.key, stored.notification_id)
        except NotifierError:  # gone again, or the store is: an error now would make the sender send it twice
            return gotify_id(f"{self.service.now() * 1000:.0f}-0")
        return gotify_id(entry["stream_id"])

    # -- apps: who they are

    async def version(self, request: Request) -> HTTPResponse:
        """`GET /version`: the release of Gotify whose API this is."""
        return json_answer({"version": SPOKEN, "commit": f"notifier {self.house.version}", "buildDate": SPOKEN_SINCE})

    async def info(self, request: Request) -> HTTPResponse:
        """`GET /gotifyinfo`: nobody registers here."""
        return json_answer({"version": SPOKEN, "register": False, "oidc": False})

    async def health(self, request: Request) -> HTTPResponse:
        """`GET /gotify/health`: the two fields that `/health` has for Gotify's clients."""
        report = self.house.health()
        status = 200 if report["health"] == "green" else 503
        return json_answer({"health": report["health"], "database": report["database"]}, status)

    async def current_user(self, request: Request) -> HTTPResponse:
        """`GET /current/user`: the person whose token it is."""
        _, user = await self._reader(request)
        return json_answer({"id": user.id, "name": user.login, "admin": False})

    async def create_client(self, request: Request) -> HTTPResponse:
        """`POST /client`: the token that the app has come with is the one that it goes on with."""
        caller, _ = await self._reader(request)
        name = fields_of(request).get("name")
        if type(name) is not str or not name:
            raise _bad("Field 'name' is required")
        token = KEYLESS if caller.user is None else token_of(request)
        return json_answer({"id": 1, "token": token, "name": name, "lastUsed": None})

    async def clients(self, request: Request) -> HTTPResponse:
        """`GET /client`: none, for tokens are kept by their owner (`/api/v1/inbox/tokens`)."""
        await self._reader(request)
        return json_answer([])

    async def applications(self, request: Request) -> HTTPResponse:
        """`GET /application`: the one that all messages are of."""
        _, user = await self._reader(request)
        about = {"name": "notifier", "description": f"The inbox of {user.login}", "image": "icon.svg"}
        fixed = {"internal": False, "defaultPriority": 0, "lastUsed": None}
        return json_answer([{"id": APPLICATION, "token": ""} | about | fixed])

    async def no_client(self, request: Request, number: str) -> HTTPResponse:
        """`PUT` and `DELETE /client/{id}`: there is none in the list."""
        await self._reader(request)
        raise NotifierError(ErrorCode.NOT_FOUND, "client does not exist: tokens are revoked at /api/v1/inbox/tokens")

    async def no_application(self, request: Request, application: str = "") -> HTTPResponse:
        """`POST /application` and changes of one: keys are made by who runs this server."""
        await self._reader(request)
        raise NotifierError(ErrorCode.FORBIDDEN, "keys are made here with: notifier keys create --door gotify")

    # -- apps: their messages

    async def messages(self, request: Request) -> HTTPResponse:
        """`GET /message?limit&since`: the newest first, those before the number `since`."""
        _, user = await self._reader(request)
        limit, since = paging_of(request)
        before = around_gotify_id(since)[0] if since else None
        page = await self.service.states.page(user.key, MAIN, limit + 1, before, None)
        shown = [message_of(item, self.house.public_url) for item in page["items"][:limit]]
        paging: dict[str, Any] = {"size": len(shown), "limit": limit, "since": 0}
        if len(page["items"]) > limit:
            paging["since"] = shown[-1]["id"]
            paging["next"] = f"{request.path}?limit={limit}&since={paging['since']}"
        return json_answer({"paging": paging, "messages": shown})

    async def messages_of(self, request: Request, application: str) -> HTTPResponse:
        """`GET /application/1/message`: the same, for there is one application."""
        await self._check_application(request, application)
        return await self.messages(request)

    async def stream(self, request: Request) -> None:
        """`GET /stream`: a WebSocket of the messages that are stored from the upgrade on."""
        caller, user = await self._reader(request)
        newest = await self.service.inbox(user, 1)
        last = newest[0]["stream_id"] if newest else "0-0"

        async def begin(follower: SocketFollower) -> None:
            start = await follower.begun()
            for item in await history(self.house, user, start, last):  # stored while the inbox was opened
                await follower.say(self._text_of(item))
            follower.go_live()

        follow_by_socket(self.house, request, user, caller, self._texts_of, begin)

    def _texts_of(self, document: Document) -> list[bytes]:
        data = document["data"]
        is_message = document["type"] == "notification.push" and data["status"] != "auto_cleared"
        return [self._text_of(data)] if is_message else []

    def _text_of(self, item: Mapping[str, Any]) -> bytes:
        return msgspec.json.encode(message_of(item, self.house.public_url))

    async def delete_all(self, request: Request) -> HTTPResponse:
        """`DELETE /message`: marks all read and archives them."""
        _, user = await self._reader(request)
        await self.service.states.mark_filtered(user.key, "archived", MAIN)
        return HTTPResponse(b"", 200)

    async def delete_all_of(self, request: Request, application: str) -> HTTPResponse:
        """`DELETE /application/1/message`: the same."""
        await self._check_application(request, application)
        return await self.delete_all(request)

    async def delete(self, request: Request, number: str) -> HTTPResponse:
        """`DELETE /message/{id}`: marks one read and archives it."""
        _, user = await self._reader(request)
        _, below, above = around_gotify_id(_number(number))
        page = await self.service.states.page(user.key, MAIN, 1, above, below)
        if not page["items"]:
            raise NotifierError(ErrorCode.NOT_FOUND, "message does not exist")
        await self.service.states.mark_one(user.key, "archived", page["items"][0]["notification_id"])
        return HTTPResponse(b"", 200)

    async def _check_application(self, request: Request, application: str) -> None:
        await self._reader(request)
        if _number(application) != APPLICATION:
            raise NotifierError(ErrorCode.NOT_FOUND, "application does not exist")

    async def _reader(self, request: Request) -> tuple[Caller, User]:
        return await self.service.reader(token_of(request))


def token_of(request: Request) -> str:
    """The token of a request, in Gotify's order of places; a person's token may also be the password of Basic."""
    places = (query_of(request, "token"), request.headers.get("x-gotify-key", ""), token_in_header(request))
    return next(filter(None, places), "")


def fields_of(request: Request) -> dict[str, Any]:
    """The fields of a request as JSON or form, and those of its query. Raises `NotifierError(bad_request)`."""
    query = {name: query_of(request, name) for name in request.args}
    form = form_of(request)
    if form is not None:
        return query | form
    if not request.body:
        return query
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _bad("the body is no JSON") from None
    if type(found) is not dict:
        raise _bad("the body must be an object")
    return query | found


def message_in(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The members `message`, `title`, `priority` and `extras` (where given) of a message; `name` is its title where it
    has none. Raises `NotifierError(bad_request)`."""
    message, title, extras = fields.get("message"), fields.get("title"), fields.get("extras")
    if message is None or message == "":
        raise _bad("Field 'message' is required")
    if type(message) is not str or len(message) > MAX_MESSAGE:
        raise _bad(f"Field 'message' must be text of at most {MAX_MESSAGE} characters")
    if title is not None and (type(title) is not str or len(title) > MAX_TITLE):
        raise _bad(f"Field 'title' must be text of at most {MAX_TITLE} characters")
    told = {"message": message, "title": title if title and title.strip() else name}
    return told | {"priority": _priority(fields.get("priority"))} | _extras(extras)


def _priority(value: object) -> int:
    """Gotify's 0-10; it takes any whole number, as what is beyond ten is high too."""
    if value is None or value == "":
        return 0
    if type(value) is str and value.removeprefix("-").isdecimal() and len(value) < 12:
        value = int(value)
    if type(value) is not int or abs(value) > MAX_PRIORITY:
        raise _bad("Field 'priority' must be a whole number, 0-10")
    return value


def _extras(value: object) -> dict[str, Any]:
    if value is None or type(value) is str:  # a form or a query has none
        return {}
    if type(value) is not dict:
        raise _bad("Field 'extras' must be an object")
    return {"extras": value}


def said_by(message: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a notification that say what a message of `message_in` does.

    `data.gotify` holds the extras, whose names have a namespace (`client::display`), and the number of `priority`.
    Raises `NotifierError(bad_request)`."""
    extras, number = message.get("extras", {}), message["priority"]
    said: dict[str, Any] = {"message": message["message"], "title": message["title"]}
    said["priority"] = "low" if number < 4 else "normal" if number < 8 else "high"
    marked = _within(extras, _DISPLAY, "contentType") == _MARKDOWN
    said["data"] = {"gotify": extras | {"priority": number}} | ({"markdown": True} if marked else {})
    if problem := data_problem(said["data"]):
        raise _bad(f"Field 'extras' {problem}")
    url = _within(extras, _CLICK, "click", "url")
    return said | ({"url": url} if url_problem(url) is None else {})  # an app's own link stays in the extras


def message_of(item: Mapping[str, Any], public_url: str) -> dict[str, Any]:
    """A notification, in the shape of `StatesService.page`, as a message of Gotify, whichever way it came."""
    data = item.get("data", {})
    own = data.get("gotify")
    extras = dict(own) if type(own) is dict else {}
    number = extras.pop("priority", None)
    if type(number) is not int:
        number = PRIORITIES.get(item.get("priority", "normal"), PRIORITIES["normal"])
    url = str(item.get("url", ""))
    if url.startswith("/"):
        url = public_url and public_url + url
    if url and _CLICK not in extras:
        extras[_CLICK] = {"click": {"url": url}}
    if data.get("markdown") is True and _DISPLAY not in extras:
        extras[_DISPLAY] = {"contentType": _MARKDOWN}
    told = {"id": gotify_id(item["stream_id"]), "appid": APPLICATION, "message": item["message"]}
    told |= {"title": item.get("title") or item["source"], "priority": number}
    return told | ({"extras": extras} if extras else {}) | {"date": item["created_at"]}


def paging_of(request: Request) -> tuple[int, int]:
    """`limit` (1-200) and `since` of a query, 0 for none. Raises `NotifierError(bad_request)`."""
    limit, since = query_of(request, "limit") or str(LIMIT), query_of(request, "since") or "0"
    if not limit.isdecimal() or len(limit) > 3 or not 1 <= int(limit) <= MAX_LIMIT:
        raise _bad(f"Field 'limit' must be 1-{MAX_LIMIT}")
    if not since.isdecimal() or len(since) > 20:
        raise _bad("Field 'since' must be the id of a message")
    return int(limit), min(int(since), MAX_SINCE)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 20:
        raise _bad("invalid id")
    return min(int(text), MAX_SINCE)


def _within(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if type(value) is dict else None
    return value


def _bad(text: str) -> NotifierError:
    return NotifierError(ErrorCode.BAD_REQUEST, text)
