"""The visitor of a request to ntfy's door, and errors in its dialect."""

from __future__ import annotations

import base64
import binascii

from sanic import HTTPResponse, Request

from notifier.domain.doors import RESERVED
from notifier.errors import NotifierError
from notifier.service.doors import Visitor
from notifier.web.doors.base import Door, json_answer, query_of, token_in
from notifier.web.doors.ntfy.refusals import Refusal, body_of

ROOTS = ("", "/ntfy")


class NtfyDoor(Door):
    """The door's name, its visitors and its errors; its halves answer requests."""

    name = "ntfy"

    def refuse(self, request: Request, error: NotifierError, status: int) -> HTTPResponse:
        body = body_of(error, status, request.path.rstrip("/") in ROOTS)
        return json_answer(body, body["http"], error)

    async def visitor(self, request: Request) -> Visitor:
        """The visitor with the token of a request."""
        return await self.enter((token_of(request),))


def token_of(request: Request) -> str:
    """The token of a request: of its header, else of `?auth=`, which is the header's value in base64url."""
    return token_in(request.headers.get("authorization", "") or _unpacked(query_of(request, "auth")))


def allowed(topic: str) -> str:
    """A topic that is no reserved word; raises `Refusal` (40010)."""
    if topic in RESERVED:
        raise Refusal(40010)
    return topic


def _unpacked(text: str) -> str:
    plain = text.strip().rstrip("=").translate(str.maketrans("+/", "-_"))
    try:
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
