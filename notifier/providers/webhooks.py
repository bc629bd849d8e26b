"""Webhooks: the JSON that is posted, signed by Standard Webhooks, and the id in its answer."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from notifier.providers.answers import Answer, word
from notifier.providers.base import Message, SetupError
from notifier.providers.tools import Tools

_encode = msgspec.json.Encoder().encode


class Signer:
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


def signer_of(secret: str) -> Signer | None:
    """Signs by `WEBHOOK_SECRET`; None where it is empty. Raises `SetupError`."""
    return Signer(secret) if secret else None


def request_of(message: Message, sign: Signer | None, tools: Tools) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a message."""
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
