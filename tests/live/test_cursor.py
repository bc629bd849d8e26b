"""A user's cursor: current or behind, what was held back, and a stream that began anew."""

import pytest

from notifier.live.connection import BEGINNING
from notifier.live.cursor import BEHIND, LAST_NUMBER, Cursor


def test_it_begins_behind_and_is_current_with_the_inbox_as_it_stands():
    cursor = Cursor()
    assert cursor.epoch == BEHIND and cursor.at == BEGINNING
    assert cursor.begin_at(3) and cursor.epoch == 3


@pytest.mark.parametrize("disturb", [Cursor.fall_behind, Cursor.begin_reading])
def test_an_inbox_is_not_whole_while_something_is_held_back_or_asked_for(disturb):
    cursor = Cursor()
    disturb(cursor)
    assert not cursor.begin_at(3) and cursor.epoch == BEHIND


def test_what_is_held_back_while_the_stream_is_read_must_be_asked_for_again():
    cursor = Cursor()
    cursor.fall_behind()
    cursor.begin_reading()
    assert cursor.reading and not cursor.missed
    cursor.fall_behind()
    assert cursor.missed


def test_it_never_moves_back():
    cursor = Cursor()
    for position in ((5, 1), (4, 9), (5, 0)):
        cursor.move(position)
    assert cursor.at == (5, 1)


@pytest.mark.parametrize(("found", "before"), [((7, 3), (7, 2)), ((7, 0), (6, LAST_NUMBER))])
def test_a_stream_that_began_anew_is_read_from_before_the_first_new_entry(found, before):
    cursor = Cursor()
    cursor.move((9, 0))
    cursor.suspect(found)
    cursor.suspect((8, 8))  # the first one counts
    assert cursor.begin_anew() == before and cursor.at == before
    assert cursor.begin_anew() is None and cursor.at == BEGINNING
