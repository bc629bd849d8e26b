"""The dashboard over a recording: the same views, and keys to go back and forth in time."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input, TextArea

from tui import humanise
from tui.app import Dashboard
from tui.commands import Command, bind
from tui.everywhere import PAGE_ACTIONS
from tui.poller import Poller
from tui.preferences import Preferences
from tui.recording.player import Deck, Player, ReplayClient
from tui.recording.tape import Tape
from tui.safe import safe
from tui.times import TIMES

REPLAY = (
    Command("left", "seek(-10)", "back", "Ten seconds back", footer=True, priority=True),
    Command("right", "seek(10)", "on", "Ten seconds on", footer=True, priority=True),
    Command("shift+left", "seek(-60)", "1 min back", "A minute back", priority=True),
    Command("shift+right", "seek(60)", "1 min on", "A minute on", priority=True),
    Command("left_square_bracket", "jump(-1)", "change before", "To the change before: health, instances, problems"),
    Command("right_square_bracket", "jump(1)", "change", "To the next change", footer=True),
    Command("less_than_sign", "hurry(0.5)", "slower", "Half as fast"),
    Command("greater_than_sign", "hurry(2)", "faster", "Twice as fast"),
)
_ACTIONS = frozenset({"seek", "jump", "hurry"})


class Replay(Dashboard):
    """Times are those of the recording. Space stops it and lets it go on."""

    BINDINGS: ClassVar[list[BindingType]] = [*bind(REPLAY)]
    PAGE_ACTIONS = PAGE_ACTIONS | _ACTIONS

    def __init__(self, path: Path, speed: float = 1.0, preferences: Preferences | None = None) -> None:
        """Raises `OSError` or `ValueError` where the file cannot be read or is no recording."""
        self.tape = Tape(path)
        self.deck = Deck(self.tape.length, speed)
        super().__init__(ReplayClient(self.tape, self.deck), read_only=True, preferences=preferences)
        self.world.recorded = True
        TIMES.now = lambda: self.tape.began + self.deck.position

    def make_poller(self) -> Poller:
        """The one that is fed by the recording."""
        self.player = Player(ReplayClient(self.tape, self.deck), self.world, self._post, self.tape, self.deck)
        return self.player

    def _post(self, message: Message) -> bool:
        return self.post_message(message)

    def action_seek(self, seconds: float) -> None:
        """Goes so far back or on."""
        self.player.seek(self.deck.position + seconds)
        self._tick()

    def action_jump(self, direction: int) -> None:
        """Goes to the next change, or to the one before."""
        now = self.deck.position
        # Some seconds before it: one that plays on comes by it again.
        change = self.tape.change_after(now) if direction > 0 else self.tape.change_before(now - 3.0)
        if change is None:
            self.note("there is no change after this" if direction > 0 else "there is no change before this")
            return
        self.player.seek(change.t)
        self.note(f"{humanise.clock(self.tape.began + change.t)} {safe(change.said)}")
        self._tick()

    def action_hurry(self, times: float) -> None:
        """Plays faster or slower."""
        self.deck.hurry(times)
        self._tick()

    def action_pause(self) -> None:
        """Stands still, or goes on; at the end from the start."""
        if self.deck.position >= self.deck.length:
            self.player.seek(0.0)
            self.player.pause(False)
        else:
            self.player.pause(self.deck.playing)
        self._tick()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a field the arrows move about in the text."""
        if action == "seek" and isinstance(self.focused, Input | TextArea):
            return False
        return super().check_action(action, parameters)

    def _state_words(self) -> str:
        deck = self.deck
        state = "■" if deck.position >= deck.length else "▶" if deck.playing else "‖"
        at = humanise.stamp(self.tape.began + deck.position).partition(".")[0]
        return f"REPLAY {state} {at} ×{deck.speed:g}  {_minutes(deck.position)} of {_minutes(deck.length)}"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
