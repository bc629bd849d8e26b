"""Messages posted as JSON: to a URL of the operator's, or, for the channel `webhook`, to the recipient's own."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from notifier.domain.addresses import host_problem
from notifier.providers.answers import Answer, call, check, word
from notifier.providers.base import Message, Provider, SetupError
from notifier.providers.hosts import host_of
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

_encode = msgspec.json.Encoder().encode


class Webhook(Provider):
    """`https://host/path`, the operator's own URL, which is trusted; `base=` posts elsewhere.

    Gets `POST {"id","channel","to","subject","content","data","priority"}` with `Idempotency-Key`, and, where
    `WEBHOOK_SECRET` is set, the headers of Standard Webhooks. Any `2xx` is success.
    """

    schemes = ("https", "http")
    takes_idempotency_key = True

    def __init__(self, url: ProviderUrl, channel: str, tools: Tools) -> None:
        base = url.text("base")
        self._url = base or url.without("base")
        super().__init__(f"webhook:{url.label.partition(':')[2]}")
        self._tools = tools
        self._sign = _signer(tools.webhook_secret)
        if host_problem(self._url):
            raise url.error("a host is needed: a name or an address")

    async def send(self, message: Message) -> str:
        body, headers = _request(message, self._sign, self._tools)
        answer = await call(self._tools.http, "POST", self._url, data=body, headers=headers)
        check(answer, self._tools.now())
        return id_in(answer)


class RecipientWebhook(Provider):
    """The channel `webhook`: posts to the recipient's URL, which may not lead to a private address."""

    schemes = ()
    takes_idempotency_key = True

    def __init__(self, tools: Tools) -> None:
        super().__init__("webhook:recipient")
        self._tools = tools
        self._sign = _signer(tools.webhook_secret)

    def host(self, message: Message) -> str:
        return host_of(message.to)

    async def send(self, message: Message) -> str:
        body, headers = _request(message, self._sign, self._tools)
        answer = await call(self._tools.guarded_http, "POST", message.to, data=body, headers=headers)
        check(answer, self._tools.now())
        return id_in(answer)


class _Signer:
    """Signs by Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

    def __init__(self, secret: str) -> None:
        from standardwebhooks.webhooks import Webhook as Standard

        try:
            self._standard = Standard(secret)
        except Exception:  # what it raises depends on what is wrong with the Base64
            raise SetupError("WEBHOOK_SECRET must be Base64, with or without whsec_ before it") from None

    def headers(self, key: str, body: bytes, now: float) -> dict[str, str]:
        """The three headers of a request."""
        at = datetime.fromtimestamp(int(now), UTC)
        signature = self._standard.sign(msg_id=key, timestamp=at, data=body.decode())
        return {"webhook-id": key, "webhook-timestamp": str(int(now)), "webhook-signature": signature}


def _signer(secret: str) -> _Signer | None:
    return _Signer(secret) if secret else None


def _request(message: Message, sign: _Signer | None, tools: Tools) -> tuple[bytes, dict[str, str]]:
    fields = ("id", "channel", "to", "subject", "content", "data", "priority")
    body = _encode({name: getattr(message, name) for name in fields})
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
    if sign is not None:
        headers |= sign.headers(message.key, body, tools.now())
    return body, headers


def id_in(answer: Answer) -> str:
    """The service's own id of a message, where its answer names one."""
    document = answer.document
    return next(filter(None, (word(document.get(name)) for name in ("messageId", "message_id", "id"))), "")
