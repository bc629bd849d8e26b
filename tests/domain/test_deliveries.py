"""Fields of deliveries that are text of the caller's (contract §7)."""

import pytest

from notifier.domain.deliveries import read_delivery, user_problem
from notifier.errors import NotifierError


@pytest.mark.parametrize(
    "user",
    ["1-alice", "अजय", "क्‍ष", "می‌شود", "e\u0301", "👩‍👩‍👧", "a b", "a\u00a0b", "x" * 128, "{a}:*", "\u0627\u0644\u200f"],
)
def test_a_user_is_any_text(user):
    assert user_problem(user) is None


@pytest.mark.parametrize(
    "user", ["", "x" * 129, "a\nb", "a\r", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", 7]
)
def test_a_user_is_one_line_of_text(user):
    assert user_problem(user) is not None


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
def test_recipients_that_are_refused_at_the_door(channel, recipient):
    with pytest.raises(NotifierError) as raised:
        read_delivery({"channel": channel, "recipient": recipient, "content": "x"})
    assert [error.path for error in raised.value.errors] == ["recipient"]


def test_an_encoded_word_in_a_text_is_taken_as_text():
    text = "=?utf-8?q?Hi=0d=0aReply-To:=20evil@example.org?="
    draft = read_delivery({"channel": "email", "recipient": "अजय@डाटा.भारत", "content": text, "subject": text})
    assert (draft.subject, draft.content, draft.recipient) == (text, text, "अजय@डाटा.भारत")
