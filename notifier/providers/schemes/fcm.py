"""Push to Android by Firebase Cloud Messaging, HTTP v1."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import jwt

from notifier.providers.answers import Answer, call, check, number, word
from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.keys import load_key, read_file
from notifier.providers.parameters import text
from notifier.providers.tools import Tools
from notifier.providers.url import DOTS, ProviderUrl

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105
API = "https://fcm.googleapis.com"
ASSERTION_LIFE = 3600
EARLY = 300.0  # seconds before its end that an access token is not used any more
LONGEST = 86400.0  # seconds that an access token is used for, whatever was said of its life
KEY = text("key", "a service account's file")
PROJECT = text("project", "the project's id, where it is not the one of the file")
BASE = text("base", "the origin to post to in place of Google's")
TOKEN = text("token_url", "the URL that issues access tokens, in place of the file's `token_uri`")


class Fcm(Provider):
    """`fcm://?key=FILE`: FILE is a service account's key (JSON). `base=` posts elsewhere, `token_url=` asks elsewhere
    for the access token.

    Only `404` with Firebase's own `UNREGISTERED` means that the device is gone ("ErrorCode" of its reference): a page
    of something in between, an address that was set wrong or a key of another sender say nothing about a device.
    """

    schemes = ("fcm",)
    parameters = (KEY, PROJECT, BASE, TOKEN)

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        account = _account(read_file(url.needed(KEY), "key"), url)
        self._project = url.get(PROJECT, "") or str(account.get("project_id", ""))
        self._base = url.get(BASE, API).rstrip("/")
        self._token_url = url.get(TOKEN, "") or str(account.get("token_uri") or TOKEN_URL)
        self._email = account["client_email"]
        self._key = load_key(account["private_key"], "the service account's private_key")
        if not self._project or self._project in DOTS:
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
        return judge(answer, self._tools.now())

    async def _post(self, body: dict[str, Any], token: str) -> Answer:
        url = f"{self._base}/v1/projects/{quote(self._project, safe='')}/messages:send"
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
            answer = await call(self._tools.http, "POST", self._token_url, data=form, body_timeout=self._tools.timeout)
            if answer.status != 200:  # the operator's to mend: no message is to blame, and none is given up at once
                raise ProviderError("login_refused", str(answer.status))
            self._token, life = granted(answer)
            self._until = now + life
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


def granted(answer: Answer) -> tuple[str, float]:
    """The access token in an answer (RFC 6749 §5.1) and the seconds that it may be used for: 0, once, where its life is
    not said. Raises `ProviderError(login_refused)` where there is no token."""
    document = answer.document
    token = document.get("access_token")
    if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
        raise ProviderError("login_refused", "the answer holds no access token")
    return token, max(0.0, min(LONGEST, number(document.get("expires_in")) or 0.0) - EARLY)


def judge(answer: Answer, now: float) -> str:
    """The message's name in an answer that took it; raises `ProviderError` for every other."""
    codes = _codes(answer.document.get("error"))
    if answer.status == 404 and "UNREGISTERED" in codes:
        raise ProviderError("unregistered", str(answer.status), permanent=True, unregistered=True)
    if answer.status in (401, 403) and "SENDER_ID_MISMATCH" not in codes:
        raise ProviderError("login_refused", str(answer.status))
    check(answer, now, "throttled" if "QUOTA_EXCEEDED" in codes else "")
    return word(answer.document.get("name"))


def _codes(error: object) -> set[str]:
    details = error.get("details") if isinstance(error, dict) else None
    rows = details if isinstance(details, list) else []
    return {word(row.get("errorCode")) for row in rows if isinstance(row, dict)}
