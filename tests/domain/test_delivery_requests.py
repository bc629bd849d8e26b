"""Requests for deliveries: addresses, what several fields say together, and the drafts that come of them (contract §7)."""

import pytest

from notifier.domain.deliveries import Draft
from notifier.domain.delivery_requests import BatchRequest, DeliveryRequest, SendRequest, read_draft
from notifier.domain.reading import read_body
from notifier.errors import NotifierError

SMS = {"channel": "sms", "recipient": "+905551234567", "content": "x"}


def problems(kind, body):
    with pytest.raises(NotifierError) as raised:
        read_body(kind, body)
    return {error.path: error.message for error in raised.value.errors}


@pytest.mark.parametrize(
    ("channel", "recipient"),
    [
        ("email", "a@b.c\r\nBcc: x@y.z"),
        ("email", "=?utf-8?q?Hi=0d=0a?=@b.c"),
        ("email", "a=?utf-8?q?b?=@c.d"),
        ("webhook", "http://a..b/"),
        ("webhook", "http://" + "a" * 64 + "/"),
    ],
)
def test_recipients_that_are_refused(channel, recipient):
    with pytest.raises(NotifierError) as raised:
        read_body(DeliveryRequest, {"channel": channel, "recipient": recipient, "content": "x"})
    assert [error.path for error in raised.value.errors] == ["recipient"]


def test_an_encoded_word_in_a_text_is_taken_as_text():
    text = "=?utf-8?q?Hi=0d=0aReply-To:=20evil@example.org?="
    draft = read_draft({"channel": "email", "recipient": "अजय@डाटा.भारत", "content": text, "subject": text})
    assert (draft.subject, draft.content, draft.recipient) == (text, text, "अजय@डाटा.भारत")


def test_a_draft_has_every_field():
    times = {"scheduled_at": "2030-01-01T01:00:00+01:00", "expires_at": "2030-01-02T00:00:00Z"}
    body = SMS | times | {"user_id": "u", "title": "t", "data": {"a": 1}, "priority": 3, "max_retries": 0}
    assert read_draft(body | {"idempotency_key": "k"}) == Draft(
        channel="sms",
        recipient="+905551234567",
        user_id="u",
        content="x",
        subject="t",
        data={"a": 1},
        priority="high",
        scheduled_at="2030-01-01T00:00:00.000Z",
        expires_at="2030-01-02T00:00:00.000Z",
        max_retries=0,
        idempotency_key="k",
    )


def test_send_is_push_and_has_words_of_its_own():
    draft = read_body(SendRequest, {"user_id": "u", "body": "b", "title": "t", "priority": 0}).draft()
    assert (draft.channel, draft.user_id, draft.content, draft.subject) == ("push", "u", "b", "t")
    assert (draft.priority, draft.recipient, draft.max_retries) == ("low", "", None)


@pytest.mark.parametrize(
    ("kind", "body", "wanted"),
    [
        (
            DeliveryRequest,
            SMS | {"subject": "a", "title": "b"},
            {"title": "is another name of subject: give one of them"},
        ),
        (
            DeliveryRequest,
            SMS | {"subject": 1, "title": "b"},
            {"subject": "must be a string"} | {"title": "is another name of subject: give one of them"},
        ),
        (
            DeliveryRequest,
            SMS | {"scheduled_at": "2030-01-01T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"},
            {"expires_at": "must be later than scheduled_at"},
        ),
        (
            DeliveryRequest,
            {"channel": "webhook", "user_id": "u", "content": "x"},
            {"recipient": "is required: a webhook goes to a URL"},
        ),
        (
            DeliveryRequest,
            {"channel": "inapp", "user_id": "u", "content": "x"},
            {"user_id": "must be a user key, such as 1-alice"},
        ),
        (DeliveryRequest, {"channel": "inapp", "content": "x"}, {"recipient": "is required where there is no user_id"}),
        (DeliveryRequest, SMS | {"channel": "pigeon"}, {"channel": "must be one of sms, email, push, webhook, inapp"}),
        (DeliveryRequest, [], {"": "must be a JSON object"}),
        (
            SendRequest,
            {"user_id": "u", "body": "b", "channel": "webhook"},
            {"recipient": "is required: a webhook goes to a URL"},
        ),
        (
            SendRequest,
            {"user_id": "u", "body": "b", "channel": "inapp"},
            {"user_id": "must be a user key, such as 1-alice"},
        ),
        (BatchRequest, {"notifications": []}, {"notifications": "must be a list of 1-1000 notifications"}),
        (BatchRequest, {"notifications": [SMS] * 1001}, {"notifications": "must be a list of 1-1000 notifications"}),
    ],
)
def test_messages(kind, body, wanted):
    assert problems(kind, body) == wanted


def test_items_of_a_batch_are_read_later():
    items = [SMS, 7, {"channel": "pigeon"}]
    assert read_body(BatchRequest, {"notifications": items}).notifications == items
