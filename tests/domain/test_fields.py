"""The types of fields: for each, its check and its JSON Schema say the same of these values."""

import jsonschema_rs
import msgspec
import pytest

from notifier.domain import fields
from notifier.domain.faults import Faults
from notifier.domain.reading import reader_of

GOOD = {
    "UserId": [1, 2**53 - 1],
    "Login": ["a", "böb", "अजय", "a.b_c@d+e-f", "x" * 128],
    "Moment": ["2024-01-01T12:00:00Z", "2024-01-01T12:00:00.5+01:00"],
    "Channel": ["sms", "inapp"],
    "Priority": ["high", "normal", "low"],
    "AnyPriority": ["high", 0, 3],
    "Url": ["/", "/a?b#c", "https://a.example/x", "app://open"],
    "Data": [{}, {"a": [1, {"b": None}]}],
    "Message": ["m", "\n", "x" * 8192],
    "Source": ["", "shop"],
    "Title": ["", "x" * 256],
    "Category": ["", "x" * 64],
    "Content": ["c"],
    "Subject": ["", "s"],
    "DeliveryUser": ["u-1", "1-alice", "a b", "x" * 128],
    "KeyText": ["k", " ~", "x" * 255],
    "PhoneNumber": ["+905551234567", "+1234567"],
    "Mailbox": ["ada@example.com", "a.b+c@d.example"],
    "DeviceToken": ["t", "!~", "x" * 4096],
    "Key": ["k", "order 7", "é", "x" * 128],
    "OnSame": ["bump", "replace", "keep"],
    "IosToken": ["0a" * 32, "fcm:APA91b_x-Y", "ExponentPushToken[abc]", "x" * 512],
    "WebUrl": ["https://a.example/x", "http://a:8080"],
    "InboxKey": ["1-alice", "9007199254740991-a"],
    "AnyAddress": ["x", "x" * 4096],
    "Retries": [0, 10],
    "Ttl": [1, 1.5, 31536000, "1s", "365d", "1000ms", "90", "1.5h"],
}
BAD = {
    "UserId": [0, 2**53, "1", 1.5, True, None],
    "Login": ["", "a b", "x" * 129, "a\0", 7],
    "Moment": ["", "now", "2024-01-01", 1],
    "Channel": ["pigeon", "", [], None],
    "Priority": ["urgent", "", 1],
    "AnyPriority": ["urgent", 4, -1, None],
    "Url": ["", "a", "/a b", "x" * 2049, 1],
    "Data": [[], "a", None],
    "Message": ["", "a\0", "x" * 8193, 1],
    "Source": ["x" * 129, None],
    "Title": ["x" * 257],
    "Category": ["x" * 65],
    "Content": ["", "x" * 8193],
    "Subject": ["x" * 257],
    "DeliveryUser": ["", "a\n", "\u2028", "x" * 129],
    "KeyText": ["", "ü", "a\n", "x" * 256],
    "PhoneNumber": ["905551234567", "+0123456", "+1", ""],
    "Mailbox": ["nobody", "@a.example", ""],
    "DeviceToken": ["", "a b", "ü", "x" * 4097],
    "Key": ["", "a\n", "a\0", "x" * 129],
    "OnSame": ["", "Bump", "none of them"],
    "IosToken": ["", "a b", "ü", "x" * 513, "../x", "a/b", "a%2f", "a?b"],
    "WebUrl": ["ftp://a", "https://u@a.example/", "https:///", "/x"],
    "InboxKey": ["alice", "0-a", "1-", ""],
    "AnyAddress": ["", "x" * 4097, 1],
    "Retries": [-1, 11, "1", True],
    "Ttl": [0.5, 31536001, "999ms", "366d", "", "1w", None, True],
}
# What only the check knows: JSON Schema calls it fine.
UNSAID = {("WebUrl", repr("https:///"))}


def is_login(text):
    return text != "" and len(text) <= 128 and all(char.isalnum() or char in "_.@+-्" for char in text)


def both(name, value):
    """The check's verdict, and the schema's."""
    kind, errors = getattr(fields, name), Faults()
    reader_of(kind).read(value, "", errors)
    schema = msgspec.json.schema(kind)
    return not errors, jsonschema_rs.validator_for(schema, validate_formats=True, formats={"login": is_login}).is_valid(
        value
    )


def test_every_type_is_here():
    own = {name for name in vars(fields) if name[0].isupper() and not name.isupper()}
    assert own - {"Annotated", "Any", "TypeAlias", "Meta"} == GOOD.keys() == BAD.keys()


@pytest.mark.parametrize("name", GOOD)
def test_what_is_taken(name):
    assert {repr(value)[:40]: both(name, value) for value in GOOD[name]} == {
        repr(value)[:40]: (True, True) for value in GOOD[name]
    }


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name):
    found = {repr(value)[:40]: both(name, value) for value in BAD[name]}
    assert found == {repr(value)[:40]: (False, (name, repr(value)) in UNSAID) for value in BAD[name]}
