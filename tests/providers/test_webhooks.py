"""The request of a webhook and its signature, checked by the library of a receiver."""

import json
import time

import pytest
from standardwebhooks.webhooks import Webhook as Receiver

from notifier.providers.answers import Answer
from notifier.providers.base import SetupError
from notifier.providers.tools import Tools
from notifier.providers.webhooks import id_in, request_of, signer_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_without_a_secret_nothing_is_signed(message):
    body, headers = request_of(message(key="k"), signer_of(""), Tools())
    assert json.loads(body).keys() == {"id", "channel", "to", "subject", "content", "data", "priority"}
    assert headers == {"Content-Type": "application/json", "Idempotency-Key": "k"}


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_")])
def test_a_receiver_knows_the_signature(message, secret):
    body, headers = request_of(message(key="k/2", content="☃\u2028"), signer_of(secret), Tools(now=time.time))
    assert Receiver(SECRET).verify(body, headers)["content"] == "☃\u2028"
    assert headers["webhook-id"] == headers["Idempotency-Key"] == "k/2"


@pytest.mark.parametrize("secret", ["whsec_x", "%", "☃"])
def test_a_secret_that_is_none_is_not_shown(secret):
    with pytest.raises(SetupError, match="WEBHOOK_SECRET must be Base64") as raised:
        signer_of(secret)
    assert secret not in str(raised.value).removeprefix(
        "WEBHOOK_SECRET must be Base64, with or without whsec_ before it"
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [(b'{"messageId": "a", "id": "b"}', "a"), (b'{"message_id": 7}', "7"), (b'{"id": null}', ""), (b"[]", "")],
)
def test_the_id_of_an_answer(body, found):
    assert id_in(Answer(200, {}, body)) == found
