"""Webhooks to a URL of the operator's."""

from __future__ import annotations

from notifier.domain.addresses import host_problem
from notifier.providers.answers import call, check
from notifier.providers.base import Message, Provider
from notifier.providers.parameters import text
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl
from notifier.providers.webhooks import id_in, request_of, signer_of

BASE = text("base", "the URL to post to in place of this one")


class Webhook(Provider):
    """`https://host/path` or `http://host/path`: the operator's own URL, which is trusted; `base=` posts elsewhere.

    Posts `{"id","channel","to","subject","content","data","priority"}` with `Idempotency-Key`, and, where
    `WEBHOOK_SECRET` is set, the headers of Standard Webhooks. Any `2xx` is success.
    """

    schemes = ("http", "https")
    parameters = (BASE,)
    passes_on = True

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        super().__init__(f"webhook:{url.label.partition(':')[2]}")
        self._url = url.get(BASE, "") or url.without(BASE)
        self._tools = tools
        self._signer = signer_of(tools.webhook_secret)
        if host_problem(self._url):
            raise url.error("a host is needed: a name or an address")

    async def send(self, message: Message) -> str:
        body, headers = request_of(message, self._signer, self._tools)
        answer = await call(self._tools.http, "POST", self._url, data=body, headers=headers)
        check(answer, self._tools.now())
        return id_in(answer)
