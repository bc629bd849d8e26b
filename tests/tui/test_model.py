"""Answers of the API as values; no shape of JSON is too odd."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.deliveries.model import Attempt, DeadLetter, Delivery, Provider, Queue, Queues, Reason
from tui.events import EVENT_MAX, TAIL_MAX, Event, Tail
from tui.figures import Figures, Health
from tui.inbox.model import Client, Entry, User, UserFacts, stream_moment
from tui.inbox.subjects import read_clients, read_pending, read_users
from tui.model import Instance, UserKey
from tui.record import moment

ALICE = UserKey(1, "alice")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = "user_id login connected_at payload id read status heartbeat_age_s alive sent connections latency_ms time type"
FIELDS += " channel recipient error attempts reason count state open_until oldest_age_s retry_count name paused"
ANY_ROW = st.dictionaries(st.sampled_from([*FIELDS.split(), "clients", "users", "components"]), ANY_JSON, max_size=8)


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("1-alice", ALICE),
        (" 1:alice ", ALICE),
        ("12-a-b", UserKey(12, "a-b")),
        ("3-a:b", UserKey(3, "a:b")),
        ("alice", None),
        ("1-", None),
        ("0-alice", None),
        ("-1-alice", None),
        ("1" * 17 + "-alice", None),
        ("", None),
    ],
)
def test_user_keys(text: str, user: UserKey | None) -> None:
    assert UserKey.parse(text) == user


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2024-01-01T12:00:00.500Z", 1_704_110_400.5),
        (1_704_110_400, 1_704_110_400),
        ("never", None),
        (True, None),
        (float("nan"), None),
        (-5, None),
        (10**400, None),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_moments(value: object, seconds: float | None) -> None:
    assert moment(value) == seconds


def test_stream_ids_tell_when() -> None:
    assert stream_moment("1704110400500-3") == 1_704_110_400.5
    assert stream_moment("x-3") is stream_moment("") is stream_moment("9" * 30 + "-0") is None


def test_an_entry_of_history_and_one_of_pending() -> None:
    payload = {"notification_id": "n", "message": "hello", "source": "orders", "created_at": "2024-01-01T12:00:00Z"}
    pending = Entry.read({"id": "1704110400500-0", "payload": payload, "read": False}, user=ALICE)
    assert (pending.notification_id, pending.status, pending.message) == ("n", "unread", "hello")
    gone = Entry.read(
        {"id": "1-0", "notification_id": "m", "payload": None, "read": False, "status": "auto_cleared"}, user=ALICE
    )
    assert (gone.notification_id, gone.status, gone.message, gone.created_at) == (
        "m",
        "auto_cleared",
        "(expired)",
        None,
    )


def test_pending_comes_by_user() -> None:
    answer = {
        "pending_notifications": {"1-alice": [{"id": "1-0", "payload": {"message": "a"}}], "odd": [{"id": "2-0"}]}
    }
    assert [(entry.user, entry.message) for entry in read_pending(answer)] == [(ALICE, "a")]


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first row is slow on a machine that is busy
@given(ANY_ROW)
def test_no_shape_is_too_odd(row: dict[str, Any]) -> None:
    made = [Client.read(row), User.read(row), Entry.read(row, user=ALICE), Instance.read(row)]
    made += [Delivery.read(row), DeadLetter.read(row), Provider.read(row), Queue.read(row)]
    answer = {"attempts": [row], "reasons": [row], "queues": [row]}
    made += [*Attempt.read_all(answer), *Reason.read_all(answer), *Queues.read(answer).queues]
    for record in made:
        assert isinstance(record.haystack + record.identity, str)
        assert record.owner is None or isinstance(record.owner, UserKey)
    UserFacts.read(row, user=ALICE)
    Figures.read(row, at=0.0)
    Health.read(row)
    read_clients(row)
    read_users(row)
    read_pending({"pending_notifications": row})


@given(ANY_JSON)
def test_no_event_is_too_odd(value: Any) -> None:
    tail = Tail()
    tail.add("x", json.dumps(value))
    tail.add("x", str(value))
    for event in tail.newest_first():
        assert isinstance(event.what + event.haystack + event.identity, str)


@pytest.mark.parametrize(("alive", "age", "state"), [(None, 3, "up"), (True, 90, "late"), (False, 3, "gone")])
def test_the_state_of_a_pod(alive: bool | None, age: float, state: str) -> None:
    assert Instance.read({"pod_id": "a", "alive": alive, "heartbeat_age_s": age}).state == state


def test_the_tail_is_bounded_and_counts_what_came() -> None:
    tail = Tail()
    for number in range(TAIL_MAX + 10):
        tail.add("client.connected", json.dumps({"connection_id": str(number)}))
    kept = tail.newest_first()
    assert len(kept) == TAIL_MAX
    assert tail.arrived == TAIL_MAX + 10
    assert kept[0].identity == str(TAIL_MAX + 9)


@pytest.mark.parametrize("data", ["nonsense", "[]", "1", json.dumps({"message": "x" * EVENT_MAX}), "[" * 5000])
def test_what_is_no_event_is_counted(data: str) -> None:
    tail = Tail()
    assert tail.add("x", data) == ""
    assert (tail.arrived, tail.left_out) == (0, 1)


def test_events_of_types_to_come_say_what_they_hold() -> None:
    event = Event(1, "delivery.failed", None, "pod-a", None, {"channel": "sms", "error": {"code": 7}, "type": "x"})
    assert event.what == 'channel=sms  error={"code": 7}'


def test_the_events_of_one_notification() -> None:
    tail = Tail()
    for kind, identity in (("notification.stored", "a"), ("notification.stored", "b"), ("notification.read", "a")):
        tail.add(kind, json.dumps({"type": kind, "notification_id": identity}))
    assert [event.kind for event in tail.about("a")] == ["notification.stored", "notification.read"]
    assert tail.about("") == []


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "unread"),
        ({"seen_at": "2024-01-01T12:00:00Z"}, "seen"),
        ({"status": "read", "seen_at": "2024-01-01T12:00:00Z"}, "read"),
        ({"status": "read", "acted_at": "2024-01-01T12:00:00Z"}, "acted"),
        ({"status": "read", "archived_at": "2024-01-01T12:00:00Z"}, "archived"),
        ({"snoozed_until": "2024-01-01T12:00:00Z"}, "snoozed"),
        ({"status": "auto_cleared", "archived_at": "2024-01-01T12:00:00Z"}, "auto_cleared"),
    ],
)
def test_what_a_user_did_with_an_entry(more: dict[str, str], state: str) -> None:
    row = {"id": "1-0", "notification_id": "m", "payload": None, "status": "unread", **more}
    assert Entry.read(row, user=ALICE).state == state
