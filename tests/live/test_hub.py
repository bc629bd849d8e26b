"""A pod's connections by user, id and address; pushes to those that have not had them."""

import pytest

from notifier.live.connection import NEVER
from notifier.live.frames import encode_text
from notifier.live.hub import Hub


class Connection:
    """A connection that notes what it is told."""

    def __init__(self, name, user="1-alice", remote="10.0.0.1", seen=(0, 0)):
        self.id, self.user_key, self.remote = name, user, remote
        self.seen, self.placed, self.open, self.expires_at = seen, True, True, NEVER
        self.telling, self.told = frozenset(), []

    def push(self, position, frame):
        if position <= self.seen:
            return False
        self.seen = position
        self.told.append(frame)
        return True

    def tell(self, frames):
        self.told.append(frames)

    def expire(self):
        self.told.append("expired")

    def tick(self, now):
        self.told.append(now)

    def close(self, code, reason):
        self.told.append((code, reason))


@pytest.fixture
def hub():
    return Hub()


def test_connections_are_found_by_user_id_and_address(hub):
    one, two, other = Connection("a"), Connection("b"), Connection("c", "2-bob", "10.0.0.2")
    for connection in (one, two, other):
        hub.add(connection)
    assert (len(hub), hub.count("1-alice"), hub.count("9-nobody")) == (3, 2, 0)
    assert hub.get("b") is two and hub.get("z") is None and set(hub) == {one, two, other}
    assert (hub.at_address("10.0.0.1"), hub.at_address("10.0.0.2"), hub.at_address("")) == (2, 1, 0)
    assert hub.users == ["1-alice", "2-bob"] and hub.member("9-nobody") is None


def test_the_last_one_of_a_user_takes_the_user_along(hub):
    one, two = Connection("a"), Connection("b")
    member = hub.add(one)
    assert hub.add(two) is member
    assert not hub.remove(one) and not hub.remove(one) and hub.remove(two)
    assert not hub.users and hub.member("1-alice") is None and hub.at_address("10.0.0.1") == 0


def test_locks_are_counted_by_their_holders(hub):
    hub.add(Connection("a")).owner = "pod-a"
    hub.add(Connection("b", "2-bob")).owner = "pod-b"
    assert (hub.owned("pod-a"), hub.owned("pod-c"), hub.owners) == (1, 0, {"pod-a", "pod-b"})


def test_a_push_goes_to_those_that_have_not_had_it(hub):
    behind, ahead = Connection("a"), Connection("b", seen=(9, 0))
    hub.add(behind)
    hub.add(ahead)
    assert hub.push("1-alice", (5, 0), b"text") == 1 and hub.push("9-nobody", (5, 0), b"text") == 0
    assert behind.told == [encode_text(b"text")] and ahead.told == []
    assert hub.member("1-alice").seen == (5, 0)
    ahead.placed = behind.open = False
    assert hub.member("1-alice").seen is None


def test_texts_go_to_every_connection_of_the_user(hub):
    one, other = Connection("a"), Connection("c", "2-bob")
    hub.add(one)
    hub.add(other)
    assert hub.tell("1-alice", [b"a", b"b"]) == 1 and hub.tell("1-alice", []) == 0
    assert one.told == [encode_text(b"a") + encode_text(b"b")] and other.told == []


def test_deadlines_and_the_end(hub):
    over, lasting = Connection("a"), Connection("b")
    over.expires_at = 10.0
    hub.add(over)
    hub.add(lasting)
    hub.tick(10.0)
    hub.close_all(1012, "restarts")
    assert over.told == ["expired", (1012, "restarts")] and lasting.told == [10.0, (1012, "restarts")]
