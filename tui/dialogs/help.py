"""Every key that works on the page below, made from its bindings."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.commands import Available, Command, bind
from tui.widgets.words import Part, Words


class Help(ModalScreen[None]):
    """Escape closes it."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS = bind((Command("escape,question_mark,q", "leave", "close", "Close the help"),))

    def __init__(self, commands: list[Available]) -> None:
        super().__init__()
        self._commands = commands

    def compose(self) -> ComposeResult:
        """A list in groups."""
        with VerticalScroll(classes="dialog help"):
            yield Words(*_help(self._commands))

    def on_mount(self) -> None:
        """Names it."""
        box = self.query_one(VerticalScroll)
        box.border_title, box.border_subtitle = "Keys", "esc closes"

    def action_leave(self) -> None:
        """Closes it."""
        self.dismiss(None)


def _help(commands: list[Available]) -> list[Part]:
    width = max((len(command.keys) for command in commands), default=0)
    groups: dict[str, list[Available]] = {}
    for command in commands:
        groups.setdefault(command.node.BINDING_GROUP_TITLE or "Here", []).append(command)
    parts: list[Part] = []
    for name, members in groups.items():
        parts.append((f"{name}\n", "bold $text-primary"))
        for command in members:
            parts += [(f"  {command.keys.rjust(width)}  ", "bold $text-accent"), (f"{command.help}\n", "")]
    return parts
