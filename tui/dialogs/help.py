"""Every key that works on the page below, made from its bindings."""

from __future__ import annotations

from textwrap import wrap

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.commands import Available, Command, bind
from tui.page import FRAME_COMMANDS
from tui.widgets.words import Part, Words

SCROLLBAR = 1  # cells
_OF_ALL = frozenset(command.action for command in FRAME_COMMANDS)


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
            yield Words()

    def on_mount(self) -> None:
        """Names it."""
        box = self.query_one(VerticalScroll)
        box.border_title, box.border_subtitle = "Keys", "esc closes"

    def on_resize(self) -> None:
        """Breaks the lines for the new width."""
        box = self.query_one(VerticalScroll)
        self.query_one(Words).say(*_help(self._commands, box.content_size.width - SCROLLBAR), layout=True)

    def action_leave(self) -> None:
        """Closes it."""
        self.dismiss(None)


def _help(commands: list[Available], room: int) -> list[Part]:
    """Keys and texts in groups, in lines of `room` cells; what a page has of its own before what all have."""
    width = max((len(command.keys) for command in commands), default=0)
    groups: dict[str, list[Available]] = {}
    for command in commands:
        if not any(_repeats(command, other) for other in commands):
            groups.setdefault(command.node.BINDING_GROUP_TITLE or "Here", []).append(command)
    parts: list[Part] = []
    for name, members in groups.items():
        parts.append((f"{name}\n", "bold $text-primary"))
        for command in sorted(members, key=lambda command: command.action in _OF_ALL):
            lines = wrap(command.help, max(20, room - width - 4)) or [""]
            said = f"\n{' ' * (width + 4)}".join(lines)
            parts += [(f"  {command.keys.rjust(width)}  ", "bold $text-accent"), (f"{said}\n", "")]
    return parts


def _repeats(command: Available, other: Available) -> bool:
    """True where the other says the same of these keys and more."""
    return other.help == command.help and set(command.keys.split()) < set(other.keys.split())
