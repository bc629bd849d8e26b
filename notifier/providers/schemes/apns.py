"""Push to iOS by Apple's service, over HTTP/2."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import uuid
from typing import Any

import h2.exceptions
import httpx2
import jwt

from notifier.providers.answers import Answer, check, joined, number, word
from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.bodies import BODY_TIMEOUT, read_body
from notifier.providers.http2_frames import read_by_frames
from notifier.providers.keys import Token, load_key, read_file
from notifier.providers.parameters import choice, text
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

HOSTS = {"production": "https://api.push.apple.com", "sandbox": "https://api.sandbox.push.apple.com"}
TOKEN_LIFE = 50 * 60.0  # Apple takes one for an hour, and no new one within 20 minutes
GONE = frozenset({"Unregistered", "ExpiredToken"})
OURS = frozenset({"ExpiredProviderToken", "InvalidProviderToken", "MissingProviderToken"})
_DEVICE = re.compile(r"[A-Za-z0-9_-]{1,512}").fullmatch  # it stands in a path, and is not to lead elsewhere
BROKEN = (httpx2.HTTPError, httpx2.StreamError, h2.exceptions.H2Error)  # httpx2 lets the last through while it reads
KEY = text("key", "the file of a token key (.p8)")
KEY_ID = text("key_id", "the key's id")
TEAM = text("team", "the team's id")
TOPIC = text("topic", "the app's bundle id")
ENVIRONMENT = choice("env", tuple(HOSTS), "Apple's environment, `production` where it is not given")
BASE = text("base", "the origin to post to in place of Apple's")
CA = text("ca", "a file of further certificates to trust")
TRIES = 2  # a connection that Apple closes (GOAWAY) is no answer: once more, under the same apns-id


class Apns(Provider):
    """`apns://?key=FILE.p8&key_id=…&team=…&topic=BUNDLE_ID&env=production|sandbox`; `base=` posts elsewhere, `ca=FILE`
    are further certificates to trust.

    Only `410` with Apple's own reason means that the device is gone, since the `timestamp` beside it. `BadDeviceToken`
    and `DeviceTokenNotForTopic` are final for the message alone: a wrong `env=` or `topic=` is answered by them too.
    Apple drops a repeat under the same `apns-id`.
    """

    schemes = ("apns",)
    parameters = (KEY, KEY_ID, TEAM, TOPIC, ENVIRONMENT, BASE, CA)

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        pem = read_file(url.needed(KEY), "key")
        self._key_id = url.needed(KEY_ID)
        self._team = url.needed(TEAM)
        self._topic = url.needed(TOPIC)
        environment = url.get(ENVIRONMENT, "production")
        self._base = url.get(BASE, "").rstrip("/") or HOSTS[environment]
        self._ca = url.get(CA, "")
        super().__init__(f"apns:{self._topic}:{environment}")
        self._key = load_key(pem, "key=")
        self._token = Token(self._sign, TOKEN_LIFE, tools.now)
        self._tools = tools
        self._http: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def send(self, message: Message) -> str:
        if not _DEVICE(message.to):
            raise ProviderError("rejected", "not a device token", permanent=True)
        answer = await self._post(message)
        if answer.status == 403 and word(answer.document.get("reason")) in OURS:
            self._token.forget()
        return judge(answer, self._tools.now())

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    def _sign(self, now: float) -> str:
        return jwt.encode({"iss": self._team, "iat": int(now)}, self._key, "ES256", headers={"kid": self._key_id})

    async def _post(self, message: Message) -> Answer:
        http = await self._client()
        for left in range(TRIES, 0, -1):
            try:
                return await self._exchange(http, message)
            except (TimeoutError, httpx2.TimeoutException):
                raise ProviderError("timeout", "no answer in time") from None
            except httpx2.ConnectError:
                raise ProviderError("connect", "ConnectError") from None
            except httpx2.TransportError as error:
                if left == 1:
                    raise ProviderError("connect", type(error).__name__) from None
        raise AssertionError("unreachable")

    async def _exchange(self, http: httpx2.AsyncClient, message: Message) -> Answer:
        url = f"{self._base}/3/device/{message.to}"
        request = http.build_request("POST", url, content=_body(message), headers=self._headers(message))
        async with asyncio.timeout(self._tools.timeout):
            reply = await http.send(request, stream=True)
        try:
            body = await read_body(reply.aiter_raw(), reply.headers.get("content-encoding", ""), BROKEN)
            return Answer(reply.status_code, joined(reply.headers.multi_items()), body)
        finally:
            await _let_go(reply)

    async def _client(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._http is None:
                verify: ssl.SSLContext | bool = True
                if self._ca:
                    verify = ssl.create_default_context()
                    verify.load_verify_locations(self._ca)
                transport = read_by_frames(httpx2.AsyncHTTPTransport(http2=True, verify=verify, trust_env=False))
                self._http = httpx2.AsyncClient(transport=transport, timeout=self._tools.timeout, trust_env=False)
            return self._http

    def _headers(self, message: Message) -> dict[str, str]:
        expires = "0" if message.expires_at is None else str(int(message.expires_at))
        headers = {
            "authorization": f"bearer {self._token.get()}",
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-id": _apns_id(message),
            "apns-priority": "10" if message.priority == "high" else "5",
        }
        return headers if expires == "0" else headers | {"apns-expiration": expires}


def judge(answer: Answer, now: float) -> str:
    """The `apns-id` of an answer that took the message; raises `ProviderError` for every other."""
    reason = word(answer.document.get("reason"))
    if answer.status == 410 and reason in GONE:
        since = number(answer.document.get("timestamp"))  # in ms
        gone_at = None if since is None else since / 1000
        raise ProviderError("unregistered", reason, permanent=True, unregistered=True, gone_at=gone_at)
    if answer.status == 403 and reason in OURS:
        raise ProviderError("login_refused", reason)
    check(answer, now)
    return word(answer.headers.get("apns-id"))


async def _let_go(reply: httpx2.Response) -> None:
    with contextlib.suppress(TimeoutError, OSError, *BROKEN):  # the answer is known, whatever its stream does
        async with asyncio.timeout(BODY_TIMEOUT):
            await reply.aclose()


def _apns_id(message: Message) -> str:
    """The `apns-id`: a UUID for each device, the same at every try."""
    return message.id if message.key == message.id else str(uuid.uuid5(uuid.UUID(message.id), message.key))


def _body(message: Message) -> bytes:
    alert: dict[str, Any] = {"body": message.content}
    if message.subject:
        alert["title"] = message.subject
    own = {name: value for name, value in message.data.items() if name != "aps"}
    body = {**own, "aps": {"alert": alert, "sound": "default"}, "notification_id": message.id}
    return json.dumps(body, ensure_ascii=False).encode()
