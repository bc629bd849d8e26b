"""The status machine, every pair of status and event, and the table that the scripts are given."""

import re

import pytest

from notifier.domain.status import FINAL, TRANSITIONS, Event, Status, after, lua_table


def test_the_table():
    assert TRANSITIONS.keys() == set(Status)
    assert {status for status, row in TRANSITIONS.items() if set(row) <= {Event.REQUEUE}} == FINAL
    assert "failed = {requeue = 'queued'}" in lua_table()


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("status", Status)
def test_every_pair(status, event):
    found = after(status, event)
    assert found is None or found in Status
    if status in FINAL:
        assert (found is None) == ((status, event) != (Status.FAILED, Event.REQUEUE))
    elif event is Event.SENT:
        assert found is Status.SENT  # a send that was made is recorded, whoever holds the lease
    elif event is Event.EXPIRE:
        assert found is Status.EXPIRED
    elif event is Event.CANCEL:
        assert found is (None if status is Status.PROCESSING else Status.CANCELLED)


def test_every_status_is_reached_and_none_is_a_dead_end():
    reached, waiting = set(), [Status.SCHEDULED]
    while waiting:
        status = waiting.pop()
        if status not in reached:
            reached.add(status)
            waiting += TRANSITIONS[status].values()
    assert reached == set(Status)
    assert all(TRANSITIONS[status] for status in set(Status) - FINAL)


def test_the_table_of_the_scripts_says_the_same():
    text = lua_table()
    rows = dict(re.findall(r"(\w+) = \{([^{}]*)\}", text.partition("\n")[0].removeprefix("local AFTER = {")))
    found = {status: dict(re.findall(r"(\w+) = '(\w+)'", row)) for status, row in rows.items()}
    assert found == TRANSITIONS
    assert set(re.findall(r"(\w+) = true", text)) == FINAL
