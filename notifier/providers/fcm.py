"""Push to Android by Firebase Cloud Messaging, HTTP v1."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jwt

from notifier.providers.answers import Answer, call, check
from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.keys import load_key, read_file
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105
BASE = "https://fcm.googleapis.com"
ASSERTION_LIFE = 3600
EARLY = 300.0  # seconds before its end that an access token is not used any more


class Fcm(Provider):
    """`fcm://?key=FILE`: FILE is a service account's key (JSON). `base=` posts elsewhere, `token_url=` asks elsewhere
    for the access token.

    `UNREGISTERED` and a token of another sender mean that the device is gone (Firebase: "ErrorCode").
    """

    schemes = ("fcm",)

    def __init__(self, url: ProviderUrl, channel: str, tools: Tools) -> None:
        account = _account(read_file(url.needed("key", "a service account's file"), "key"), url)
        self._project = url.text("project") or str(account.get("project_id", ""))
        self._base = url.text("base", BASE).rstrip("/")
        self._token_url = url.text("token_url") or str(account.get("token_uri") or TOKEN_URL)
        self._email = account["client_email"]
        self._key = load_key(account["private_key"], "the service account's private_key")
        url.done()
        if not self._project:
            raise url.error("project= is needed: the file names none")
        super().__init__(f"fcm:{self._project}")
        self._tools = tools
        self._token = ""
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def send(self, message: Message) -> str:
        body = {"message": _body(message, self._tools.now())}
        answer = await self._post(body, await self._access_token())
        if answer.status == 401:  # revoked before its time
            self._until = 0.0
            answer = await self._post(body, await self._access_token())
        _judge(answer, self._tools.now())
        return str(answer.document.get("name", ""))

    async def _post(self, body: dict[str, Any], token: str) -> Answer:
        url = f"{self._base}/v1/projects/{self._project}/messages:send"
        return await call(self._tools.http, "POST", url, json=body, headers={"Authorization": f"Bearer {token}"})

    async def _access_token(self) -> str:
        """An access token by a signed assertion (RFC 7523); asked for once, however many wait for it."""
        async with self._asking:
            now = self._tools.now()
            if now < self._until:
                return self._token
            claims = {"iss": self._email, "scope": SCOPE, "aud": self._token_url}
            claims |= {"iat": int(now), "exp": int(now) + ASSERTION_LIFE}
            assertion = jwt.encode(claims, self._key, "RS256")
            form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
            answer = await call(self._tools.http, "POST", self._token_url, data=form)
            if answer.status != 200:  # the operator's to mend: no message is to blame, and none is given up at once
                raise ProviderError("login_refused", str(answer.status))
            self._token = str(answer.document.get("access_token", ""))
            self._until = now + max(0.0, float(answer.document.get("expires_in", 0)) - EARLY)
            return self._token


def _account(text: str, url: ProviderUrl) -> dict[str, Any]:
    try:
        account = json.loads(text)
        if account["client_email"] and account["private_key"]:
            return dict(account)
    except (ValueError, KeyError, TypeError):
        pass
    raise url.error("key= must name a service account's JSON with client_email and private_key")


def _body(message: Message, now: float) -> dict[str, Any]:
    android: dict[str, Any] = {"priority": "HIGH" if message.priority == "high" else "NORMAL"}
    if message.expires_at is not None:
        android["ttl"] = f"{max(0, int(message.expires_at - now))}s"
    body: dict[str, Any] = {
        "token": message.to,
        "notification": {"title": message.subject, "body": message.content},
        "android": android,
    }
    data = {name: value if isinstance(value, str) else json.dumps(value) for name, value in message.data.items()}
    return body | {"data": {**data, "notification_id": message.id}}  # FCM takes strings only


def _judge(answer: Answer, now: float) -> None:
    error = answer.document.get("error")
    details = error.get("details", []) if isinstance(error, dict) else []
    codes = {str(one.get("errorCode", "")) for one in details if isinstance(one, dict)}
    if codes & {"UNREGISTERED", "SENDER_ID_MISMATCH"} or (answer.status == 404 and not codes):
        raise ProviderError("unregistered", str(answer.status), permanent=True, unregistered=True)
    if answer.status in (401, 403):
        raise ProviderError("login_refused", str(answer.status))
    check(answer, now, "throttled" if "QUOTA_EXCEEDED" in codes else "")
