"""Asks before something that cannot be undone. The answer is No unless Yes is chosen."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from tui.commands import Command, bind
from tui.safe import safe
from tui.widgets.words import Words

UNREAD = 0.5  # seconds in which nobody has read it: keys typed in one go with the one that asked are still on their way


class Confirm(ModalScreen[bool]):
    """True for yes."""

    AUTO_FOCUS = "#no"
    BINDINGS = bind(
        (
            Command("y", "answer(True)", "yes", "Do it"),
            Command("n,escape", "answer(False)", "no", "Leave it"),
            Command("left,right", "app.focus_next", "other", "The other button"),
        )
    )

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question
        self._asked_at = 0.0

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical(classes="dialog"):
            yield Words((safe(self._question), "bold"), classes="question")
            with Horizontal(classes="answers"):
                yield Button("No", id="no", variant="primary")
                yield Button("Yes", id="yes", variant="error")
            yield Words(("⏎ chooses, y yes, n or esc no", "$foreground-muted"), classes="hint")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Enter, or the mouse."""
        self.action_answer(event.button.id == "yes")

    def on_mount(self) -> None:
        """From now on the question can be read."""
        self._asked_at = time.monotonic()

    def action_answer(self, yes: bool) -> None:
        """No at once; yes only once the question has stood for `UNREAD`: until then it was typed without reading."""
        if yes and time.monotonic() - self._asked_at < UNREAD:
            self.query_one(".hint", Words).say(("too soon to have been read: once more for yes", "bold $text-warning"))
        else:
            self.dismiss(yes)
