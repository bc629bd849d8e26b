"""An inbox as ntfy's events: ids, sequence ids, topics, clears, deletes, and the button that marks read."""

import uuid

import pytest

from notifier.domain.doors import ntfy_id
from notifier.domain.times import format_time
from notifier.domain.users import User
from notifier.web.doors.ntfy.feed import MOST_KNOWN, Feed, id_of
from notifier.web.doors.ntfy.parameters import Parameters
from notifier.web.doors.ntfy.wanted import read_wanted

NOW = 1_800_000_000
ALICE = User(1, "alice")


def item(seconds=0, read=False, revision=1, moved=0, nid=None, **more):
    """A notification that came so many seconds after `NOW`, and was moved on by as many as `moved` says."""
    at = NOW + seconds
    return {
        "notification_id": nid or str(uuid.uuid4()),
        "stream_id": f"{(at + moved) * 1000 + 7}-0",
        "message": "hi",
        "created_at": format_time(at),
        "source": "test",
        "status": "read" if read else "unread",
        "read": read,
        "revision": revision,
        **more,
    }


def feed(topics="1-alice,ops", link=None, **query):
    return Feed(ALICE, read_wanted(topics, Parameters({}, {}.get, query.items()), NOW), lambda: NOW + 100.5, link)


def live(kind, **data):
    return {"type": kind, "data": data}


def kinds(events):
    return [(event["event"], event.get("sequence_id")) for event in events]


def ids(events):
    return [event["id"] for event in events if event["event"] == "message"]


OPS = {"data": {"ntfy": {"topic": "ops", "sequence_id": "disk"}}}


# -- live


def test_a_push_is_a_message_under_the_id_that_its_sender_was_told():
    pushed = item(priority="high", title="T", data={"tags": ["a"], "actions": [{"action": "view", "label": "l"}]})
    (message,) = feed().of(live("notification.push", **pushed))
    assert message == {
        "id": ntfy_id(pushed["notification_id"]),
        "time": NOW,
        "event": "message",
        "topic": "1-alice",
        "message": "hi",
        "title": "T",
        "priority": 4,
        "tags": ["a"],
        "actions": [{"action": "view", "label": "l"}],
    }


def test_each_change_and_return_has_an_id_of_its_own_and_the_sequence_id_of_the_first():
    nid = str(uuid.uuid4())
    stages = [item(nid=nid), item(nid=nid, revision=2), item(nid=nid, revision=2, moved=5), item(nid=nid, moved=3600)]
    messages = [feed().of(live("notification.push", **stage))[0] for stage in stages]
    assert len({message["id"] for message in messages}) == 4 and messages[0]["id"] == ntfy_id(nid)
    assert [message.get("sequence_id") for message in messages] == [None, *[ntfy_id(nid)] * 3]
    assert all(len(message["id"]) == 12 and message["id"].isalnum() for message in messages)


def test_what_becomes_of_a_message_is_told_under_its_topic_and_sequence_id():
    subject, pushed = feed("ops"), item(**OPS)
    nid = pushed["notification_id"]
    assert kinds(subject.of(live("notification.push", **pushed))) == [("message", "disk")]
    assert kinds(subject.of(live("notification.read.ack", notification_id=nid))) == [("message_clear", "disk")]
    assert kinds(subject.of(live("notification.removed", notification_id=nid, reason="retracted"))) == [
        ("message_delete", "disk")
    ]
    expired = live("notification.push", notification_id=nid, stream_id="1-0", status="auto_cleared", read=False)
    assert kinds(subject.of(expired)) == [("message_delete", "disk")]
    snoozed = live("notification.state", notification_id=nid, snoozed_until="2030-01-01T00:00:00Z")
    assert kinds(subject.of(snoozed)) == [("message_clear", "disk")]
    assert subject.of(live("notification.state", notification_id=nid, snoozed_until=None)) == []
    assert subject.of(live("inbox.counts", unread=1)) == []
    (clear,) = subject.of(live("notification.read.ack", notification_id=nid))
    assert (clear["topic"], clear["time"]) == ("ops", NOW + 100) and len(clear["id"]) == 12


def test_another_topics_messages_are_not_told_nor_what_becomes_of_them():
    subject, pushed = feed("1-alice"), item(**OPS)
    assert subject.of(live("notification.push", **pushed)) == []
    assert subject.of(live("notification.read.ack", notification_id=pushed["notification_id"])) == []
    other = item()
    assert feed("ops").of(live("notification.push", **other)) == []
    assert feed("ops").of(live("notification.read.ack", notification_id=other["notification_id"])) == []


def test_what_is_not_known_is_an_own_one_of_the_inbox():
    nid = str(uuid.uuid4())
    (clear,) = feed().of(live("notification.read.ack", notification_id=nid))
    assert (clear["topic"], clear["sequence_id"]) == ("1-alice", ntfy_id(nid))


def test_so_much_is_remembered_and_no_more():
    subject, first = feed("ops"), item(**OPS)
    for one in (first, *(item(**OPS) for _ in range(MOST_KNOWN))):
        subject.of(live("notification.push", **one))
    assert len(subject._known) == MOST_KNOWN and first["notification_id"] not in subject._known


def test_data_of_anybody_break_nothing():
    for data in (
        {"ntfy": 7},
        {"ntfy": {"topic": ["x"], "sequence_id": 7, "priority": "5"}},
        {"tags": "a", "actions": {}},
    ):
        (message,) = feed().of(live("notification.push", **item(data=data)))
        assert message["topic"] == "1-alice" and message.keys() == {"id", "time", "event", "topic", "message"}
    for time in ("", "yesterday"):
        odd = item() | {"created_at": time}
        (message,) = feed(since="all").past([odd])
        assert message["time"] == NOW and message["id"] == ntfy_id(odd["notification_id"])
        assert feed().of(live("notification.push", **odd)) == [message]


# -- the button


def test_a_button_marks_read_what_is_unread():
    subject = feed(link=lambda nid: f"https://n.example/a/{nid}")
    pushed = item(data={"actions": [{"action": "view", "label": "l"}]})
    (message,) = subject.of(live("notification.push", **pushed))
    own = message["actions"][1]
    assert (
        own["url"] == f"https://n.example/a/{pushed['notification_id']}" and message["actions"][0]["action"] == "view"
    )
    assert (own["action"], own["label"], own["method"], own["clear"]) == ("http", "Mark read", "POST", True)
    assert "actions" not in subject.of(live("notification.push", **item(read=True)))[0]
    full = item(data={"actions": [{"action": "view", "label": str(number)} for number in range(3)]})
    assert len(subject.of(live("notification.push", **full))[0]["actions"]) == 3


# -- the past


# The same ids in each process: they name tests, which processes share.
PAST = [item(seconds, nid=str(uuid.uuid5(uuid.NAMESPACE_URL, str(seconds)))) for seconds in (0, 10, 20)]


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("all", PAST),
        ("none", []),
        ("", []),
        ("latest", PAST[2:]),
        (str(NOW), PAST),
        (str(NOW + 10), PAST[1:]),
        (str(NOW + 11), PAST[2:]),
        (str(NOW + 21), []),
        (id_of(PAST[0]), PAST[1:]),
        (id_of(PAST[2]), []),
        ("unknownid123", PAST),
    ],
)
def test_since_when(since, found):
    assert ids(feed(since=since).past(PAST)) == [id_of(one) for one in found]


def test_the_latest_of_each_topic():
    items = [item(0, **OPS), item(1), item(2, **OPS), item(3)]
    assert ids(feed(since="latest").past(items)) == [id_of(items[2]), id_of(items[3])]
    assert ids(feed("ops", since="latest").past(items)) == [id_of(items[2])]


def test_what_followed_a_message_before_it_was_bumped_is_told():
    """Its old id is known no longer: all is told again, which loses nothing."""
    nid = str(uuid.uuid4())
    old, between, bumped = item(0, nid=nid), item(5), item(6, nid=nid, revision=2)
    assert ids(feed(since=id_of(old)).past([between, bumped])) == [id_of(between), id_of(bumped)]
    assert ids(feed(since=id_of(bumped)).past([between, bumped])) == []


def test_what_was_read_is_cleared_and_what_was_archived_is_not_shown():
    read = item(10, read=True, read_at=format_time(NOW + 40))
    archived = item(11, read=True, read_at=format_time(NOW + 41), archived_at=format_time(NOW + 41))
    events = feed(since="all").past([item(0), read, archived])
    assert [event["event"] for event in events] == ["message", "message", "message_clear"]
    assert events[2]["sequence_id"] == events[1]["id"] == id_of(read)


def test_what_was_read_while_its_client_was_away_is_cleared():
    before = item(0, read=True, read_at=format_time(NOW + 5))
    while_away = item(1, read=True, read_at=format_time(NOW + 60))
    archived = item(2, read=True, read_at=format_time(NOW + 61), archived_at=format_time(NOW + 61))
    last, new = item(10), item(20)
    events = feed(since=id_of(last)).past([before, while_away, archived, last, new])
    assert kinds(events) == [
        ("message_clear", id_of(while_away)),
        ("message_clear", id_of(archived)),
        ("message", None),
    ]
    assert feed(since="none").past([while_away]) == []


def test_topics_narrow_the_past_too():
    items = [item(0, **OPS), item(1)]
    assert ids(feed("ops", since="all").past(items)) == [id_of(items[0])]
    assert ids(feed("1-alice", since="all").past(items)) == [id_of(items[1])]


def test_signs_of_the_stream_itself():
    subject = feed(title="no such")
    (beat,) = subject.of(live("beat"))
    assert (beat["event"], beat["topic"], subject.opened()["event"]) == ("keepalive", "1-alice,ops", "open")
