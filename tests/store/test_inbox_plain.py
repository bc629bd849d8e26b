"""The place of plain commands: everything passes by where there are none, and asks them where there are."""

from notifier.store.inbox_plain import PlainSeat, nothing
from notifier.store.inbox_values import Arrivals

FRESH = Arrivals(b"pod-a", [b"1-1", b"a", None, b"2-1", b"b", None], [b"pod-b"])


class Path:
    """A plain path that has handed out the first entry, and serves one user."""

    def __init__(self):
        self.told = []

    def alone(self, user, length):
        self.told.append((user, length))

    def serves(self, user):
        return user == "1-alice"

    def forget(self, user):
        self.told.append(user)

    def forget_all(self):
        self.told.append("all")

    def taking(self, users):
        return lambda well: self.told.append((well, *users))

    def unseen(self, user, fresh):
        return fresh[3:]

    def bring_up_to_date(self):
        self.told.append("up to date")


def test_without_a_plain_path():
    seat = PlainSeat()
    assert seat.flag == 0 and seat.taking(["1-alice"]) is nothing
    assert seat.unseen("1-alice", FRESH) is FRESH and seat.shared(["1-alice", "2-bob"]) == []
    for call in (lambda: seat.note_alone("1-alice", 3), lambda: seat.forget("1-alice"), seat.forget_all):
        assert call() is None
    assert seat.bring_up_to_date() is None and nothing(True) is None


def test_with_one():
    seat = PlainSeat()
    seat.path = path = Path()
    assert seat.flag == 1 and seat.shared(["1-alice", "2-bob"]) == ["2-bob"]
    assert seat.unseen("1-alice", FRESH) == Arrivals(b"pod-a", [b"2-1", b"b", None], [b"pod-b"])
    empty = Arrivals(b"pod-a", [], None)
    assert seat.unseen("1-alice", empty) is empty
    seat.taking(["1-alice"])(True)
    seat.note_alone("1-alice", 3)
    seat.forget("1-alice")
    seat.forget_all()
    seat.bring_up_to_date()
    assert path.told == [(True, "1-alice"), ("1-alice", 3), "1-alice", "all", "up to date"]
