"""One of several operations, by its letter or from the list."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import OptionList

from tui.actions import Action, Choice
from tui.commands import Command, bind
from tui.safe import safe
from tui.widgets.words import Words


class Choose(ModalScreen[Action | None]):
    """The operation chosen, None where none was."""

    AUTO_FOCUS = "OptionList"
    BINDINGS = bind((Command("escape", "leave", "give up", "Choose nothing"),))

    def __init__(self, heading: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._heading = heading
        self._choices = choices

    def compose(self) -> ComposeResult:
        """The heading over the list."""
        width = max(len(choice.label) for choice in self._choices)
        lines = [f"{choice.key}  {choice.label:{width}}  {choice.help}" for choice in self._choices]
        with Vertical(classes="dialog choose"):
            yield Words((safe(self._heading), "bold"), classes="question")
            yield OptionList(*lines, markup=False, compact=True)
            yield Words(
                ("a letter or ⏎ chooses, then you are asked; esc gives up", "$foreground-muted"), classes="hint"
            )

    def on_key(self, event: Key) -> None:
        """A letter chooses at once."""
        found = next((choice for choice in self._choices if choice.key == event.key), None)
        if found is not None:
            event.stop()
            self.dismiss(found.action)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter, or the mouse."""
        event.stop()
        self.dismiss(self._choices[event.option_index].action)

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)
