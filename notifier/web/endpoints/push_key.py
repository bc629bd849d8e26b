"""`/api/v1/push/vapid-key`: the key that a page subscribes to Web Push with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from notifier.errors import ErrorCode, NotifierError
from notifier.web.endpoints.fields import PERSON
from notifier.web.http.mount import Call
from notifier.web.http.route import KNOWN, Answer, Endpoints, get

_POINT = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
_NONE = NotifierError(ErrorCode.NOT_FOUND, "this server sends no Web Push: PROVIDER_PUSH_WEB names no webpush://")


class VapidKey(Struct):
    """The server's public key."""

    public_key: Annotated[
        str, Meta(description="`applicationServerKey`: an uncompressed point of P-256, in base64url.")
    ]


class PushKeyEndpoints(Endpoints):
    """The route of the key."""

    tag, access = PERSON, KNOWN

    def __init__(self, public_key: str) -> None:
        """`public_key` is empty where Web Push is not configured."""
        self._public_key = public_key

    @get(
        "/api/v1/push/vapid-key",
        "Tell the key for subscriptions to Web Push",
        answers=(Answer(example=VapidKey(_POINT)),),
        failures=(_NONE,),
    )
    async def get_vapid_key(self, call: Call) -> VapidKey:
        if not self._public_key:
            raise _NONE
        return VapidKey(self._public_key)
