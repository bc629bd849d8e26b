"""The name of a file to write rows to."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.commands import Command, bind
from tui.safe import safe
from tui.widgets.words import Words

NAME_MAX = 1000
_HINT = "⏎ writes, esc gives up; .csv, or .jsonl for JSON lines"


class Save(ModalScreen[str | None]):
    """The name, or None where it was given up. A name with a `problem` is not taken."""

    AUTO_FOCUS = "Input"
    BINDINGS = bind((Command("escape", "leave", "give up", "Write nothing"),))

    def __init__(self, question: str, name: str, problem: Callable[[str], str]) -> None:
        super().__init__()
        self._question, self._name, self._problem = question, name, problem

    def compose(self) -> ComposeResult:
        """The question, the field, and a line for what is wrong."""
        with Vertical(classes="dialog"):
            yield Words((safe(self._question), "bold"), classes="question")
            yield Input(self._name, compact=True, select_on_focus=False, max_length=NAME_MAX)
            yield Words((_HINT, "$foreground-muted"), classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Takes the name, or says why it does not."""
        event.stop()
        problem = self._problem(event.value)
        if problem:
            self.query_one(".hint", Words).say((safe(problem), "bold $text-error"))
        else:
            self.dismiss(event.value)

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)
