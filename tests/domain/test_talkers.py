"""Counts of names from outside: over one minute and fifteen, bounded, and sampled when there are many."""

from collections import Counter

import pytest

from notifier.domain.talkers import COARSEST, KEPT, MOST_NOTED, Notebook, Talkers
from notifier.domain.users import User


class Item:
    def __init__(self, user):
        self.user = user


ALICE = [Item(User(1, "alice"))]


def names(**kinds):
    return {kind: Counter(kinds.get(kind, {})) for kind in ("source", "user", "caller", "address")}


def test_over_one_minute_and_fifteen():
    talkers = Talkers()
    talkers.add(names(source={"shop": 3}), 1000.0)
    talkers.add(names(source={"shop": 2, "bank": 9}), 1100.0)
    assert talkers.top(1, 10, 1101.0)["source"] == {"bank": 9, "shop": 2}
    assert talkers.top(15, 10, 1101.0)["source"] == {"bank": 9, "shop": 5}
    assert talkers.top(15, 1, 1101.0)["source"] == {"bank": 9}
    assert talkers.top(15, 10, 1000.0 + 20 * 60)["source"] == {}


def test_names_without_end_are_bounded_and_the_busiest_is_kept():
    talkers = Talkers()
    for second in range(30):
        talkers.add(names(user={"1-alice": 50} | {f"{second}-{n}": 1 for n in range(5000)}), float(second))
    assert talkers.top(15, 1, 30.0)["user"] == {"1-alice": 1500}
    ring = talkers._coarse["user"]
    assert all(len(counts) <= 2 * KEPT for _, counts in ring._slots)


def test_a_source_counts_by_the_second():
    talkers = Talkers()
    for second in range(5):
        talkers.add(names(source={"loop": 200, "shop": 1}), 100.0 + second)
    assert talkers.rates(1, 104.0) == {"loop": 200.0}
    assert talkers.rates(9, 109.0) == {"loop": 40.0, "shop": 0.2}  # four of the five seconds are over
    assert talkers.rates(9, 111.0) == {}


def test_notes_are_counted_by_kind():
    notebook = Notebook()
    notebook.stored("shop", [*ALICE, Item(User(2, "bob"))])
    notebook.came("key:shop", "10.0.0.1")
    notebook.came("key:bank", "10.0.0.2", source="key:bank", user="u-1", number=7)
    notebook.count(50.0)
    assert notebook.talkers.top(1, 9, 50.0) == {
        "source": {"key:bank": 7, "shop": 2},
        "user": {"u-1": 7, "1-alice": 1, "2-bob": 1},
        "caller": {"key:bank": 7, "key:shop": 1},
        "address": {"10.0.0.2": 7, "10.0.0.1": 1},
    }


def test_what_kafka_brings_has_its_topic_for_source_and_is_no_flood():
    notebook = Notebook()
    for _ in range(3):
        notebook.read("orders", "u-1")
    notebook.came("shop", "10.0.0.1", source="kafka:orders", user="u-1", number=5)  # anybody may call theirs so
    notebook.count(50.0)
    assert notebook.talkers.top(1, 9, 50.0) == {
        "source": {"kafka:orders": 8},
        "user": {"u-1": 8},
        "caller": {"shop": 5},
        "address": {"10.0.0.1": 5},
    }
    assert notebook.talkers.rates(9, 50.0) == {"kafka:orders": 1.0}


@pytest.mark.parametrize("note", ["stored", "read"])
def test_many_notes_are_sampled_and_stand_for_all(note):
    notebook = Notebook()
    for second in range(4):
        for _ in range(10_000):
            if note == "stored":
                notebook.stored("shop", ALICE)
            else:
                notebook.read("shop", "1-alice")
        assert len(notebook._stored) + len(notebook._read) <= MOST_NOTED + 10_000 // COARSEST
        notebook.count(float(second))
    ((_, count),) = notebook.talkers.top(1, 1, 4.0)["source"].items()
    assert 0.95 < count / 40_000 < 1.05
