"""Apprise's door: what its `apprise://` plugin posts (caronc/apprise, plugins/apprise_api.py).

The plugin takes 200 alone for success, and names its key in the path or in `X-Apprise-Config-ID`.
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import msgspec
from sanic import HTTPResponse, Request

from notifier.domain.checks import url_problem
from notifier.domain.doors import has_form
from notifier.domain.notifications import MAX_MESSAGE, MAX_TITLE
from notifier.errors import ErrorCode, NotifierError
from notifier.web.doors.base import Door, first_problem, form_of, json_answer, named_user, token_in_header

PRIORITIES = {"info": "low", "success": "normal", "warning": "high", "failure": "high"}
FORMATS = ("text", "markdown", "html")
_STATUSES = {ErrorCode.INVALID: 400, ErrorCode.UNAUTHENTICATED: 403}


class Apprise(Door):
    name = "apprise"

    def refuse(self, request: Request, error: NotifierError, status: int) -> HTTPResponse:
        code = _STATUSES.get(error.code, status)
        return json_answer({"error": first_problem(error)}, code, error)

    async def notify(self, request: Request, key: str) -> HTTPResponse:
        """`POST /notify/{key}`: the key is a door's token; without authentication it may be a user's key."""
        own = key if has_form(self.name, key) else ""
        visitor = await self.enter((own, token_in_header(request), key))
        targets = self.service.targets_of(visitor, named_user(key) if visitor.may_name_anybody else None)
        await self.service.publish(visitor, targets, said_in(fields_of(request)))
        return json_answer({"error": None, "details": []})

    async def notify_by_header(self, request: Request) -> HTTPResponse:
        """`POST /notify` with `X-Apprise-Config-ID`; without it there would have to be URLs, which are not taken."""
        key = request.headers.get("x-apprise-config-id", "")
        if not key:
            raise NotifierError(ErrorCode.BAD_REQUEST, "this server takes no URLs: use /notify/{key}")
        return await self.notify(request, key)

    async def status(self, request: Request) -> HTTPResponse:
        """`GET /status`: the server is there."""
        return HTTPResponse(b"OK", 200, content_type="text/plain")

    async def no_configuration(self, request: Request, key: str) -> HTTPResponse:
        """`/add /get /del /cfg`: there is no configuration here to read or write."""
        raise NotifierError(ErrorCode.FORBIDDEN, "no configuration is kept here: keys are made with notifier keys")


def fields_of(request: Request) -> dict[str, Any]:
    """The fields of a request as JSON, form or multipart. Raises `NotifierError(bad_request)`, for files too."""
    form = form_of(request)
    if form is not None:
        if request.files:
            raise _no_attachments()
        return dict(form)
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotifierError(ErrorCode.BAD_REQUEST, "the body is no JSON") from None
    if type(found) is not dict:
        raise NotifierError(ErrorCode.BAD_REQUEST, "the body must be an object")
    return found


def said_in(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a notification. Raises `NotifierError` (`bad_request`, `too_large`)."""
    body, title = fields.get("body", fields.get("message")), fields.get("title") or ""
    level = str(fields.get("type") or "info").lower()
    form = str(fields.get("format") or "text").lower()
    if type(body) is not str or type(title) is not str or not body.strip():
        raise NotifierError(ErrorCode.BAD_REQUEST, "there is no body to send")
    if level not in PRIORITIES or form not in FORMATS:
        raise NotifierError(ErrorCode.BAD_REQUEST, f"type is one of {', '.join(PRIORITIES)}, format of {FORMATS}")
    attachment = attachment_in(fields)
    text = plain_text(body) if form == "html" else body
    if len(text) > MAX_MESSAGE or len(title) > MAX_TITLE:
        raise NotifierError(ErrorCode.TOO_LARGE, f"at most {MAX_MESSAGE} characters, and {MAX_TITLE} of title")
    data: dict[str, Any] = {"level": level} | ({"markdown": True} if form == "markdown" else {}) | attachment
    return {"message": text, "priority": PRIORITIES[level], "data": data} | ({"title": title} if title else {})


def attachment_in(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The address of one attachment, which is kept (Sonarr's posters); raises `NotifierError(bad_request)` for files,
    and for several."""
    given = [value for name in ("attachment", "attachments", "attach") if (value := fields.get(name))]
    found = [one for value in given for one in (value if isinstance(value, list) else [value])]
    if not found:
        return {}
    url = found[0]
    if len(found) > 1 or not isinstance(url, str) or not url.startswith(("http://", "https://")) or url_problem(url):
        raise _no_attachments()
    return {"attachment": {"name": url.partition("?")[0].rpartition("/")[2] or "attachment", "url": url}}


def _no_attachments() -> NotifierError:
    return NotifierError(ErrorCode.BAD_REQUEST, "attachments are not taken, but the address of one")


class _Text(HTMLParser):
    """Collects what a page would show."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        if tag in ("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4") and self.parts:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(" ".join(data.split(" ")))


def plain_text(html: str) -> str:
    """The text of HTML, a line for each block."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line) or html
