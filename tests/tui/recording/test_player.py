"""The deck's position, pure."""

from __future__ import annotations

from tui.recording.player import Deck


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_it_moves_by_its_speed_and_ends_at_the_end() -> None:
    clock = Clock()
    deck = Deck(100.0, 10.0, clock)
    clock.now += 3
    assert deck.position == 30.0
    clock.now += 60
    assert deck.position == 100.0


def test_it_stands_still_and_goes_on() -> None:
    clock = Clock()
    deck = Deck(100.0, 1.0, clock)
    clock.now += 5
    deck.play(False)
    clock.now += 50
    assert deck.position == 5.0
    deck.play(True)
    clock.now += 2
    assert deck.position == 7.0


def test_it_goes_anywhere_between_the_ends() -> None:
    deck = Deck(100.0, 1.0, Clock())
    for wanted, there in ((40.0, 40.0), (-3.0, 0.0), (400.0, 100.0)):
        deck.seek(wanted)
        assert deck.position == there


def test_speed_changes_do_not_move_it() -> None:
    clock = Clock()
    deck = Deck(100.0, 1.0, clock)
    clock.now += 5
    deck.hurry(2)
    assert (deck.position, deck.speed) == (5.0, 2.0)
    clock.now += 5
    assert deck.position == 15.0
    for _ in range(30):
        deck.hurry(2)
    assert deck.speed == 1024.0
