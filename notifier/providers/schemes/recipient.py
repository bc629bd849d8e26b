"""Webhooks to the recipient's own URL."""

from __future__ import annotations

from notifier.providers.answers import call, check
from notifier.providers.base import Message, Provider
from notifier.providers.hosts import host_of
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl
from notifier.providers.webhooks import id_in, request_of, signer_of


class Recipient(Provider):
    """`recipient://`: posts to the URL that is the message's recipient, which may not lead to a private address
    (`WEBHOOK_ALLOW_PRIVATE`). It serves the channel `webhook`, and is its default. The request is that of `https://`.
    """

    schemes = ("recipient",)

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        if route != "webhook":
            raise url.error("it serves the channel webhook alone, whose recipients are URLs")
        super().__init__("webhook:recipient")
        self._tools = tools
        self._signer = signer_of(tools.webhook_secret)

    def host(self, message: Message) -> str:
        return host_of(message.to)

    async def send(self, message: Message) -> str:
        body, headers = request_of(message, self._signer, self._tools)
        answer = await call(self._tools.guarded_http, "POST", message.to, data=body, headers=headers)
        check(answer, self._tools.now())
        return id_in(answer)
