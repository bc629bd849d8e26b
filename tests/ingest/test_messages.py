"""Kafka messages as they are read, without a broker."""

import json
import uuid

import pytest

from notifier.ingest.messages import MAX_RAW, Source, read_message
from notifier.service.accept import Undeliverable

HERE = Source("orders", 3, 17, 1_700_000_000_000)
GOOD = {"id": "a-1", "user_id": "42", "type": "sms", "recipient": "+905551234567", "body": "hello"}


def read(source=HERE, **changes):
    message = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return read_message(json.dumps(message).encode(), source)


def test_every_field():
    times = {"created_at": "2026-01-01T12:00:00+03:00", "expires_at": "2036-01-01T12:00:00Z"}
    delivery_id, draft = read(title="Order", data={"n": 1}, priority=3, trace={"span": 5}, **times)
    assert uuid.UUID(delivery_id).version == 8
    assert (draft.channel, draft.recipient, draft.user_id) == ("sms", "+905551234567", "42")
    assert (draft.content, draft.subject, draft.data) == ("hello", "Order", {"n": 1})
    assert (draft.created_at, draft.expires_at) == ("2026-01-01T09:00:00.000Z", "2036-01-01T12:00:00.000Z")


@pytest.mark.parametrize(("number", "word"), enumerate(["low", "normal", "high", "high"]))
def test_priorities(number, word):
    assert read(priority=number)[1].priority == word


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"type": ...}, "channel", "push"),
        ({"type": "inapp", "recipient": "1-alice"}, "channel", "inapp"),
        ({"user_id": 42}, "user_id", "42"),
        ({"user_id": None, "title": None, "data": None, "priority": None}, "user_id", ""),
        ({"recipient": "", "type": "push"}, "recipient", ""),
        ({"expires_at": "0001-01-01T00:00:00Z"}, "expires_at", None),
        ({"created_at": "0001-01-01T00:00:00Z"}, "created_at", None),
        ({"body": "0001-01-01T00:00:00Z was the day"}, "content", "0001-01-01T00:00:00Z was the day"),
    ],
)
def test_what_producers_leave_out(changes, field, value):
    assert getattr(read(**changes)[1], field) == value


def test_the_id_decides_where_there_is_one():
    elsewhere = Source("orders", 0, 99, 5)
    assert read()[0] == read(elsewhere, body="otherwise")[0]
    assert read()[0] != read(id="a-2")[0]
    assert read()[0] != read(Source("payments", 3, 17, HERE.timestamp))[0]
    assert read(id=7)[0] == read(id="7")[0]


def test_without_an_id_the_place_decides():
    assert read(id=...)[0] == read(id=None)[0] == read(id="")[0]
    for other in (HERE._replace(topic="o"), HERE._replace(partition=4), HERE._replace(offset=18)):
        assert read(id=...)[0] != read(other, id=...)[0]
    # a topic made anew begins at offset 0 again
    assert read(id=...)[0] != read(HERE._replace(timestamp=5), id=...)[0]


@pytest.mark.parametrize(
    ("raw", "reason", "error"),
    [
        (None, "kafka_malformed", "the message has no value"),
        (b"", "kafka_malformed", "truncated"),
        (b"hello", "kafka_malformed", "malformed"),
        (b"[1]", "kafka_malformed", "Expected `object`"),
        (b'{"id": "\xff"}', "kafka_malformed", "utf-8"),
        (b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "kafka_malformed", "recursion"),
        (b'{"body": "hello"}', "kafka_no_address", "recipient: is required"),
        (b'{"user_id": "", "recipient": null, "body": "hello"}', "kafka_no_address", "recipient: is required"),
        (b'{"user_id": "1"}', "kafka_invalid", "body: is required"),
    ],
)
def test_what_cannot_be_read(raw, reason, error):
    dead = read_message(raw, HERE)
    assert isinstance(dead, Undeliverable)
    assert dead.reason == reason
    assert error in dead.error
    assert (dead.document["topic"], dead.document["partition"], dead.document["offset"]) == ("orders", 3, 17)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipient": "12"}, "recipient"),
        ({"type": "fax"}, "type"),
        ({"type": "inapp", "recipient": ..., "user_id": "nobody"}, "user_id"),
        ({"body": 5}, "body"),
        ({"title": ["x"]}, "title"),
        ({"body": "nul \0"}, "body"),
        ({"priority": 4}, "priority"),
        ({"data": "x"}, "data"),
        ({"id": {"a": 1}}, "id"),
        ({"id": True}, "id"),
        ({"id": "x" * 256}, "id"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"expires_at": 5}, "expires_at"),
    ],
)
def test_a_field_that_is_not_valid_is_named_as_the_producer_named_it(changes, field):
    dead = read(**changes)
    assert isinstance(dead, Undeliverable)
    assert dead.reason == "kafka_invalid"
    assert dead.error.startswith(f"{field}: ")


def test_a_dead_letter_has_the_id_of_its_place_so_that_a_corrected_message_is_another():
    assert read(recipient="12").id == read(recipient="12").id != read()[0]
    assert read(recipient="12").id != read(HERE._replace(offset=18), recipient="12").id


def test_what_a_dead_letter_keeps_is_bounded_and_storable():
    document = read_message(b"\0\xff" * 10 * MAX_RAW, HERE).document
    assert len(document["raw"]) == MAX_RAW + 1
    assert "\0" not in document["raw"]
    many = {f"field{number}": "x" for number in range(3)}
    assert len(read(type="é" * 5000, **many).error) <= 500


@pytest.mark.parametrize("levels", [100, 500, 900, 980, 990, 1000, 100_000])
def test_data_nested_as_deep_as_python_can(levels):
    raw = json.dumps(GOOD).encode()[:-1] + b',"data":{"a":' + b"[" * levels + b"]" * levels + b"}}"
    letter = read_message(raw, HERE)
    assert isinstance(letter, Undeliverable) and letter.reason in ("kafka_invalid", "kafka_malformed")


def test_a_message_full_of_errors_is_told_in_short():
    letter = read_message(json.dumps({"data": {f"a{number}": 1 for number in range(100_000)}}).encode(), HERE)
    assert isinstance(letter, Undeliverable) and len(letter.error) <= 500
