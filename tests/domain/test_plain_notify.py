"""The reader of usual requests takes nothing that the general reader refuses, and reads the same in what it takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.bodies import read_json
from notifier.domain.notifications import MAX_MESSAGE, MAX_SOURCE, MAX_TARGETS, read_notify_request
from notifier.domain.plain_notify import read_plain
from notifier.domain.times import format_time
from notifier.errors import NotifierError

NOW = 1_704_110_400.5
ALICE = {"id": 1, "login": "alice"}
PLAIN = {"target": [ALICE], "message": "hello"}


def generally(body):
    """The general reader's result of a body; None where it refuses it."""
    try:
        return read_notify_request(read_json(body), format_time(NOW))
    except NotifierError:
        return None


def agrees(body):
    """Checks that both readers agree on what the plain one takes; the plain one's result."""
    plain, draft = read_plain(body, lambda: NOW), generally(body)
    if plain is not None:
        assert draft is not None, "taken, and refused by the general reader"
        assert plain.content == draft.content
        # A login that is not in normal form makes a key that no user has: the request is left to the general way.
        known = {user.key for user in draft.targets}
        keys = dict.fromkeys(f"{target.id}-{target.login}" for target in plain.targets)
        if set(keys) <= known:
            assert list(keys) == [user.key for user in draft.targets]
    return plain


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"message": "x" * MAX_MESSAGE},
        {"message": 'привет \U0001f600 " \\ \n\t\x01'},
        {"source": ""},
        {"source": "s" * MAX_SOURCE},
        {"created_at": "2024-01-01T12:00:00Z"},
        {"created_at": "2024-01-01t12:00:00.123456+02:00"},
        {"target": [ALICE, {"id": 2**53 - 1, "login": "Ида.x"}, ALICE]},
        {"target": [{"id": n, "login": "a"} for n in range(1, MAX_TARGETS + 1)]},
    ],
)
def test_usual_requests_are_taken(more):
    assert agrees(json.dumps(PLAIN | more).encode()) is not None


@pytest.mark.parametrize(
    "more",
    [
        {"message": ""},
        {"message": "x" * (MAX_MESSAGE + 1)},
        {"message": "a\0b"},
        {"message": "\ud800"},
        {"message": None},
        {"source": "s" * (MAX_SOURCE + 1)},
        {"source": "\0"},
        {"source": None},
        {"created_at": None},
        {"created_at": ""},
        {"created_at": "2024-01-01T12:00:00"},
        {"created_at": "2024-01-01T12:00:60Z"},
        {"target": []},
        {"target": [{"id": n, "login": "a"} for n in range(1, MAX_TARGETS + 2)]},
        {"target": [ALICE | {"id": 0}]},
        {"target": [ALICE | {"id": 2**53}]},
        {"target": [ALICE | {"id": True}]},
        {"target": [ALICE | {"id": 1.0}]},
        {"target": [ALICE | {"id": "1"}]},
        {"target": [ALICE | {"more": 1}]},
        {"target": ALICE},
        {"ttl": "1h"},
        {"title": "x"},
        {"unknown": 1},
    ],
)
def test_others_are_left(more):
    assert agrees(json.dumps(PLAIN | more).encode()) is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"null", b'{"target":[{"id":1,"login":"\xff"}],"message":"x"}']
)
def test_what_is_no_object_is_left(body):
    assert agrees(body) is None


@pytest.mark.parametrize(
    "pair", ['"message":1,"message":"x"', '"message":"x","message":1', '"message":"a","message":"b"']
)
def test_a_field_that_is_there_twice(pair):
    agrees(b'{"target":[{"id":1,"login":"alice"}],%b}' % pair.encode())


WORDS = st.one_of(st.text(max_size=5), st.sampled_from(["alice", "é", "2024-01-01T12:00:00Z", "\0", "x" * 130]))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2, 2**53 + 1), st.floats(allow_nan=False), WORDS)
TARGETS = st.lists(
    st.dictionaries(st.sampled_from(["id", "login", "x"]), VALUES, max_size=3) | st.just(ALICE), max_size=3
)
FIELDS = st.sampled_from(["message", "source", "created_at", "title", "ttl", "x"])


@given(st.dictionaries(FIELDS, VALUES, max_size=4), TARGETS)
def test_both_agree_on_whatever_comes(fields, targets):
    agrees(json.dumps({"target": targets} | PLAIN | fields | {"target": targets}).encode())
