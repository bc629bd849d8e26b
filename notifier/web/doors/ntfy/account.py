"""The `/v1` of ntfy's server: health, counts, the account of a token, and new tokens (server/server_account.go)."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from sanic import HTTPResponse, Request

from notifier.domain.access import ANYBODY
from notifier.domain.checks import text_problem
from notifier.domain.devices import MAX_NAME
from notifier.domain.notifications import MAX_TTL
from notifier.domain.times import format_time
from notifier.errors import ErrorCode, NotifierError
from notifier.web.doors.base import json_answer
from notifier.web.doors.ntfy.dialect import NtfyDoor, token_of
from notifier.web.doors.ntfy.refusals import Refusal

ANONYMOUS = "*"
NO_LIMIT = 1_000_000_000  # where ntfy's clients want a number
LABEL = "ntfy"
_MEANT = ("messages", "emails", "calls", "reservations", "attachment_total_size")


class Accounts(NtfyDoor):
    """The account side: nothing here is kept but the tokens of devices."""

    _looked: tuple[float, int] | None = None  # monotonic seconds, and the messages at the last look at the counts

    async def health(self, request: Request) -> HTTPResponse:
        """`GET /v1/health`."""
        healthy = self.house.health()["status"] != "unavailable"
        return json_answer({"healthy": healthy}, 200 if healthy else 503)

    async def version(self, request: Request) -> HTTPResponse:
        """`GET /v1/version`: this program's."""
        return json_answer({"version": self.house.version, "commit": "", "date": ""})

    async def stats(self, request: Request) -> HTTPResponse:
        """`GET /v1/stats`: notifications of the whole cluster since its first start, and those a second since the last
        look."""
        if self.service.tokens:
            await self._name_of(token_of(request))
        messages, now = await self.house.accepted(), time.monotonic()
        then, before = self._looked or (now, messages)
        self._looked = (now, messages)
        return json_answer({"messages": messages, "messages_rate": (messages - before) / max(1.0, now - then)})

    async def account(self, request: Request) -> HTTPResponse:
        """`GET /v1/account`: the name of the key or the user; without a token it is `*`."""
        token = token_of(request)
        name = await self._name_of(token) if token else ANONYMOUS
        role = "anonymous" if name == ANONYMOUS else "user"
        return json_answer({"username": name, "role": role, "limits": _limits(), "stats": _stats()})

    async def new_token(self, request: Request) -> HTTPResponse:
        """`POST /v1/account/token`: another token of a device's owner, or of a user who has one of their own."""
        _, user = await self.service.reader(token_of(request))
        label, ttl = _wanted(request.body, self.service.now())
        device, token = await self.service.devices.create(user, label, ttl)
        expires = 0 if device.expires_at is None else int(device.expires_at)
        origin = request.conn_info.client_ip if request.conn_info else ""
        used = {"last_access": int(device.created_at), "last_origin": origin}
        return json_answer({"token": token, "label": device.name} | used | ({"expires": expires} if expires else {}))

    async def _name_of(self, token: str) -> str:
        """The name of a key, or of the user whose token it is."""
        try:
            visitor = await self.enter((token,))
        except NotifierError as error:
            if error.code is not ErrorCode.FORBIDDEN:
                raise
            return (await self.service.reader(token))[1].key
        return ANONYMOUS if visitor.caller is ANYBODY else visitor.name


def _wanted(body: bytes, now: float) -> tuple[str, float | None]:
    """The label of a token and the seconds to its end; raises `Refusal` (40000, 40024)."""
    try:
        fields = msgspec.json.decode(body or b"{}")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Refusal(40024) from None
    if not isinstance(fields, dict):
        raise Refusal(40024)
    label, expires = fields.get("label") or LABEL, fields.get("expires") or 0
    if text_problem(label, 1, MAX_NAME):
        raise Refusal(40000, f"label {text_problem(label, 1, MAX_NAME)}")
    if type(expires) is not int or (expires and not 1 <= expires - now <= MAX_TTL):
        raise Refusal(40000, f"expires must be a time to come, before {format_time(now + MAX_TTL)}, or 0")
    return label, expires - now if expires else None


def _stats() -> dict[str, Any]:
    return dict.fromkeys(_MEANT, 0) | {f"{name}_remaining": _most(name) for name in _MEANT}


def _limits() -> dict[str, Any]:
    names = ("messages_expiry_duration", "attachment_file_size", "attachment_expiry_duration", "attachment_bandwidth")
    return {"basis": "ip"} | {name: _most(name) for name in _MEANT} | dict.fromkeys(names, 0)


def _most(name: str) -> int:
    """Messages have the key's own limit; the others are not to be had here."""
    return NO_LIMIT if name == "messages" else 0
