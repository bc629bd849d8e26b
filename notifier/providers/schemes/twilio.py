"""SMS by Twilio, or by a service with the same API."""

from __future__ import annotations

from urllib.parse import quote

import aiohttp

from notifier.providers.answers import Answer, call, check, word
from notifier.providers.base import Message, Provider, ProviderError
from notifier.providers.parameters import text
from notifier.providers.tools import Tools
from notifier.providers.url import DOTS, ProviderUrl

API = "https://api.twilio.com"
BASE = text("base", "the origin to post to in place of Twilio's")
GONE = frozenset({21610, 21211, 21614})  # the recipient has opted out; no such number; none that takes SMS
# Refusals by 401 or 403 that are about a number or a country, not about the login (Twilio: "Error and Warning
# Dictionary").
REFUSED = frozenset({21219, 21408, 21608, 21612})


class Twilio(Provider):
    """`twilio://SID:TOKEN@FROM`: FROM is a number, or a messaging service's id (`MG…`). `base=` posts elsewhere."""

    schemes = ("twilio",)
    parameters = (BASE,)
    has_port = False

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        self._sid, self._token = url.user, url.password
        self._from = url.netloc_host
        self._base = url.get(BASE, API).rstrip("/")
        if not self._sid or self._sid in DOTS or not self._token or not self._from:
            raise url.error("SID, TOKEN and FROM are needed: twilio://SID:TOKEN@+15005550006")
        super().__init__(f"twilio:{self._from}")
        self._tools = tools

    async def send(self, message: Message) -> str:
        sender = "MessagingServiceSid" if self._from.startswith("MG") else "From"
        answer = await call(
            self._tools.http,
            "POST",
            f"{self._base}/2010-04-01/Accounts/{quote(self._sid, safe='')}/Messages.json",
            data={"To": message.to, sender: self._from, "Body": message.content},
            auth=aiohttp.BasicAuth(self._sid, self._token),
        )
        return judge(answer, self._tools.now())


def judge(answer: Answer, now: float) -> str:
    """The message's SID in an answer that took it; raises `ProviderError` for every other."""
    code = answer.document.get("code")
    if 400 <= answer.status < 500 and type(code) is int and code in GONE:
        raise ProviderError("unregistered", str(code), permanent=True, unregistered=True)
    if answer.status in (401, 403) and not (type(code) is int and code in REFUSED):
        raise ProviderError("login_refused", str(answer.status))
    check(answer, now)
    return word(answer.document.get("sid"))
