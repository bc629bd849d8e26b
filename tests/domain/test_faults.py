"""Faults of a request: the first hundred bad fields are named, the rest counted, and soon."""

import gc
import json
import time
from functools import partial

import pytest

from notifier.domain.bodies import read_json
from notifier.domain.delivery_requests import BatchRequest, DeliveryRequest, SendRequest, read_draft
from notifier.domain.faults import MAX_NAMED, Faults, invalid
from notifier.domain.inbox_requests import BroadcastRequest, NotifyRequest
from notifier.domain.notifications import read_notify_request
from notifier.domain.reading import read_body
from notifier.domain.sessions import SessionRequest
from notifier.errors import FieldError, NotifierError
from notifier.web.endpoints.dead_letters import ManyRequest
from notifier.web.endpoints.keys import KeyRequest

NOW = "2024-01-01T12:00:00.000Z"
MANY = {f"a{number}": 1 for number in range(100_000)}
USER = {"id": 1, "login": "a"}
SOON = 0.1  # seconds of CPU; the former way took two

KINDS = {
    "notify as a type": NotifyRequest,
    "broadcast": BroadcastRequest,
    "delivery": DeliveryRequest,
    "send": SendRequest,
    "batch": BatchRequest,
    "session": SessionRequest,
    "key": KeyRequest,
    "dead letters": ManyRequest,
}
READERS = {name: partial(read_body, kind) for name, kind in KINDS.items()}
READERS["notify"] = lambda body: read_notify_request(body, NOW)


def errors_of(read, body):
    """The errors that a reader finds in a body, and the seconds of CPU that it took."""
    gc.disable()  # a collection of all that the other tests have left is none of it
    try:
        begun = time.thread_time()
        with pytest.raises(NotifierError) as raised:
            read(body)
        return raised.value, time.thread_time() - begun
    finally:
        gc.enable()


@pytest.mark.parametrize("name", READERS)
def test_a_body_full_of_unknown_fields(name):
    error, took = errors_of(READERS[name], MANY)
    assert len(error.errors) == MAX_NAMED + 1 and took < SOON
    *named, last = error.errors
    assert len({field.path for field in named}) == MAX_NAMED
    missing = sum(field.path not in MANY for field in named)
    assert last == FieldError("", f"{100_000 + missing - MAX_NAMED} more")
    assert error.message == f"{100_000 + missing} fields are not valid"


@pytest.mark.parametrize(
    "target",
    [
        [{f"a{number}": 1 for number in range(100)}] * 1000,
        [USER | {f"a{number}": 1 for number in range(100)}] * 1000,
        [{"id": 0, "login": " "}] * 1000,
        [[]] * 1000,
        [None] * 1000,
    ],
)
def test_targets_full_of_errors(target):
    error, took = errors_of(READERS["notify"], {"target": target, "message": "x"})
    assert len(error.errors) == MAX_NAMED + 1 and took < SOON
    assert error.errors[-1].message.endswith(" more")


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (
            READERS["session"],
            {"user_id": "1", "platform": "web", "subscription": {"endpoint": "https://a", "keys": MANY}},
        ),
        (READERS["dead letters"], {"filter": MANY}),
    ],
)
def test_objects_within(read, body):
    error, took = errors_of(read, body)
    assert len(error.errors) == MAX_NAMED + 1 and took < SOON


def test_all_are_named_up_to_a_hundred():
    faults = Faults()
    for number in range(MAX_NAMED):
        faults.add(f"a{number}", "x")
    assert len(faults.listed()) == MAX_NAMED and faults.listed()[-1] == FieldError("a99", "x")
    assert [len(invalid(faults).errors), faults.count] == [MAX_NAMED, MAX_NAMED]
    faults.add("b", "x")
    assert faults.listed()[-1] == FieldError("", "1 more")


def test_an_item_names_as_many_as_it_may():
    wrong = read_draft({"a": 1, "b": 2}, 1)
    assert len(wrong) == 2 and wrong[-1] == FieldError("", "4 more")


def test_unknown_names_are_made_fit_for_an_answer():
    error, _ = errors_of(READERS["key"], {"name": "a", "scopes": ["read"], "\ud800\n" + "x" * 100: 1})
    assert error.errors == [FieldError("??" + "x" * 62, "unknown field")]


@pytest.mark.parametrize("data", [{"a": ["x" * 10] * 80_000}, {"a": "x" * 900_000}, MANY])
def test_large_data_is_not_looked_through(data):
    error, took = errors_of(READERS["delivery"], {"channel": "inapp", "recipient": "1-a", "content": "x", "data": data})
    assert error.errors == [FieldError("data", "must have at most 4096 bytes as JSON")] and took < SOON


@pytest.mark.parametrize("data", [{"a": "\ud800"}, {"\udfff": 1}, {"a": ["b\0"]}, {"a": {"\0": 1}}])
def test_bad_text_in_data(data):
    error, _ = errors_of(READERS["delivery"], {"channel": "inapp", "recipient": "1-a", "content": "x", "data": data})
    assert error.errors == [FieldError("data", "must not hold NUL or lone surrogates")]


def deep(levels, kind="list"):
    opening, closing = ("[", "]") if kind == "list" else ('{"a":', "}")
    return (opening * levels + "1" + closing * levels).encode()


@pytest.mark.parametrize("kind", ["list", "object"])
def test_json_is_read_to_a_depth(kind):
    assert read_json(deep(100, kind)) == json.loads(deep(100, kind))
    for levels in (101, 500, 900, 980, 990, 1000, 100_000):
        error, took = errors_of(read_json, deep(levels, kind))
        assert (error.code, "nested too deeply" in error.message) == ("bad_request", True) and took < SOON


def test_many_brackets_are_not_depth():
    assert read_json(b"[" + b"[1]," * 10_000 + b'"[[[["]')
