"""Requests to `/notify` and to everybody: the types, and the hand-written checks held against them."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifier.domain.faults import MAX_NAMED
from notifier.domain.inbox_requests import BroadcastRequest, NotifyRequest
from notifier.domain.notifications import read_notify_request
from notifier.domain.reading import read_body
from notifier.errors import NotifierError

NOW = "2024-01-01T12:00:00.000Z"
ALICE = {"id": 1, "login": "alice"}
GOOD = {
    "target": [ALICE, {"id": 2, "login": "böb"}],
    "message": "m",
    "created_at": "2024-01-01T12:00:00Z",
    "source": "shop",
    "title": "t",
    "url": "/x",
    "category": "c",
    "priority": "high",
    "data": {"a": [1]},
    "ttl": "1h",
}

# What stands where something else is expected: of each kind, within bounds and beyond them.
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        ["", "x" * 129, "y" * 8193, "\0", "\ud800", "low", "1s", "365d", "366d", "javascript:x", "https://a"]
    ),
    st.sampled_from(["2024-02-30T00:00:00Z", "2024-01-01T00:00:00.5+01:00", "e\u0301", "1-alice", 1e300, 2**63]),
    st.lists(st.integers(0, 2), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.fixed_dictionaries({}, optional={"id": st.integers(0, 3), "login": st.sampled_from(["a", "", "a b", 7])}),
)
NAMES = st.sampled_from([*GOOD, "id", "login", "x", "x\n", ""])


@st.composite
def mutated(draw):
    """A good request in which up to three things are replaced, removed, or added."""
    body = json.loads(json.dumps(GOOD))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(["body", "target", "user"]))
        part = body if place == "body" or not isinstance(body.get("target"), list) else body["target"]
        if place == "user" and part and isinstance(part, list) and isinstance(part[0], dict):
            part = part[0]
        name = draw(NAMES) if isinstance(part, dict) else draw(st.integers(0, len(part)))
        if isinstance(part, dict) and draw(st.booleans()):
            part.pop(name, None)
        elif isinstance(part, dict):
            part[name] = draw(VALUES)
        else:
            part[name : name + 1] = [draw(VALUES)]
    return body


def verdict(read):
    """The number of bad fields, and the paths where all of it is named; None where all is valid."""
    try:
        read()
    except NotifierError as error:
        return error.message, sorted(field.path for field in error.errors) if len(error.errors) <= MAX_NAMED else None
    return None


@settings(max_examples=300, deadline=None)
@given(mutated() | VALUES)
@example(GOOD)
@example({"target": [ALICE] * 1001, "message": "m"})
@example({"target": [{}] * 99, "message": 1, "a": 2})
@example({f"a{number}": 1 for number in range(200)})
def test_the_hand_written_checks_say_what_the_type_says(body):
    written = verdict(lambda: read_notify_request(body, NOW))
    assert written == verdict(lambda: read_body(NotifyRequest, body))


@settings(max_examples=100, deadline=None)
@given(mutated())
def test_both_read_the_same_content(body):
    if verdict(lambda: read_body(NotifyRequest, body)) is None:
        typed = read_body(NotifyRequest, body)
        draft = read_notify_request(body, NOW)
        assert draft.content == typed.content(NOW)
        assert {(user.id, user.login) for user in draft.targets} == {(user.id, user.login) for user in typed.target}


def test_broadcast_takes_no_target():
    content = {name: value for name, value in GOOD.items() if name != "target"}
    assert read_body(BroadcastRequest, {"message": "m"}).content(NOW).message == "m"
    assert read_body(BroadcastRequest, content).content(NOW) == read_notify_request(GOOD, NOW).content
    with pytest.raises(NotifierError):
        read_body(BroadcastRequest, GOOD)
