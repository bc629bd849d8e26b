"""Requests to notify, valid and not (contract §3)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.notifications import (
    fragment_of,
    payload_json,
    read_notify_request,
)
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError

NOW = "2024-01-01T00:00:00.000Z"
ALICE = {"id": 1, "login": "alice"}
NID = "5d0f1d4c-8f6a-4c41-9a6e-0d9a3c1f2b7e"


def paths(body):
    with pytest.raises(NotifierError) as raised:
        read_notify_request(body, NOW)
    assert raised.value.code is ErrorCode.INVALID
    return {error.path for error in raised.value.errors}


def payload(body):
    draft = read_notify_request(body, NOW)
    return json.loads(payload_json(NID, draft.targets[0], draft.content))


def test_smallest_request():
    assert payload({"target": [ALICE], "message": "hi"}) == {
        "notification_id": NID,
        "message": "hi",
        "created_at": NOW,
        "source": "",
        "target": ALICE,
    }


def test_every_option_is_kept():
    options = {
        "title": "T",
        "url": "https://example.com/a?b=c",
        "category": "orders",
        "priority": "high",
        "data": {"a": [1, "x"]},
        "ttl": "1h",
        "source": "shop",
        "created_at": "2024-05-05T05:05:05.005Z",
    }
    assert payload({"target": [ALICE], "message": "hi", **options}).items() >= options.items()


def test_every_bad_field_is_named():
    body = {
        "target": [{"id": 0, "login": "a b"}, ALICE, "x", {"id": 1, "login": "a", "role": 1}],
        "message": "",
        "source": "s" * 129,
        "created_at": "yesterday",
        "title": "t" * 257,
        "url": "javascript:alert(1)",
        "priority": "urgent",
        "data": [],
        "ttl": "366d",
        "nonsense": 1,
    }
    expected = {"target[0].id", "target[0].login", "target[2]", "target[3].role", "message", "source", "created_at"}
    assert paths(body) == expected | {"title", "url", "priority", "data", "ttl", "nonsense"}


@pytest.mark.parametrize("target", [None, [], {}, "alice", [ALICE] * 1001])
def test_targets_are_1_to_1000(target):
    assert paths({"target": target, "message": "hi"}) == {"target"}


def test_a_thousand_targets():
    draft = read_notify_request({"target": [{"id": i, "login": "u"} for i in range(1, 1001)], "message": "m"}, NOW)
    assert len(draft.targets) == 1000


def test_equal_targets_are_one():
    twice = [{"id": 1, "login": "e\u0301"}, {"id": 1, "login": "\u00e9"}, ALICE, ALICE]
    assert read_notify_request({"target": twice, "message": "m"}, NOW).targets == [User(1, "\u00e9"), User(1, "alice")]


@pytest.mark.parametrize("message", ["x" * 8193, "a\0b", "\ud800", 5, None])
def test_message_is_refused(message):
    assert paths({"target": [ALICE], "message": message}) == {"message"}


@pytest.mark.parametrize("message", ["x" * 8192, "😀\u202e\x1b[31m</script>", "\n"])
def test_message_may_hold_any_other_character(message):
    assert payload({"target": [ALICE], "message": message})["message"] == message


def test_missing_fields_are_named():
    assert paths({}) == {"target", "message"}
    assert paths([]) == {""}


def test_data_is_bounded_and_clean():
    fits = {"k": "x" * (4096 - len('{"k":""}'))}
    assert payload({"target": [ALICE], "message": "m", "data": fits})["data"] == fits
    assert paths({"target": [ALICE], "message": "m", "data": {"k": fits["k"] + "x"}}) == {"data"}
    assert paths({"target": [ALICE], "message": "m", "data": {"k": ["a\0"]}}) == {"data"}


@pytest.mark.parametrize("url", ["/orders/1", "https://example.com", "myapp://open?id=1"])
def test_url_is_taken(url):
    assert payload({"target": [ALICE], "message": "m", "url": url})["url"] == url


@pytest.mark.parametrize("url", ["", "orders", "JavaScript://%0aalert(1)", "data:text/html,x", "https://a b", "/a\nb"])
def test_url_is_refused(url):
    assert paths({"target": [ALICE], "message": "m", "url": url}) == {"url"}


@pytest.mark.parametrize(("ttl", "ms"), [("1s", 1000), ("365d", 31536000000), (2.5, 2500), (60, 60000)])
def test_ttl(ttl, ms):
    assert read_notify_request({"target": [ALICE], "message": "m", "ttl": ttl}, NOW).content.ttl_ms == ms


@pytest.mark.parametrize("ttl", ["500ms", "off", 0, -1, True, None, 1e300])
def test_ttl_is_refused(ttl):
    assert paths({"target": [ALICE], "message": "m", "ttl": ttl}) == {"ttl"}


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=100),
    st.dictionaries(st.text('abtarge":{},', max_size=20), st.text('{}":,targetid', max_size=20), max_size=3),
)
def test_fragment_is_found_again_whatever_is_said(message, data):
    draft = read_notify_request({"target": [ALICE], "message": message, "data": data, "ttl": "1m"}, NOW)
    assert fragment_of(payload_json(NID, draft.targets[0], draft.content)) == draft.content.fragment


def test_fragment_of_a_payload_in_another_order():
    foreign = json.dumps({"target": ALICE, "message": "m", "source": "s", "created_at": NOW, "notification_id": NID})
    assert json.loads(b"{" + fragment_of(foreign.encode()) + b"}") == {"message": "m", "created_at": NOW, "source": "s"}


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"no json", b""])
def test_no_payload(payload):
    with pytest.raises(ValueError):
        fragment_of(payload)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
        max_leaves=20,
    )
)
def test_anything_is_a_draft_or_an_error(body):
    try:
        read_notify_request(body, NOW)
    except NotifierError as error:
        assert error.code is ErrorCode.INVALID
        assert error.errors
