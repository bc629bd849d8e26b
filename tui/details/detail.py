"""The frame of every drill-down."""

from __future__ import annotations

from textual.message import Message

from tui.commands import Command
from tui.page import Page, Setting

BACK = Command("escape,backspace", "back", "back", "Back to where one came from", footer=True)


class Detail(Page):
    """A page that Escape leaves."""

    class Left(Message):
        """The user wants to go back."""

    def __init__(self, setting: Setting, tab: str) -> None:
        """`tab` is the view from which it was reached."""
        super().__init__(setting)
        self.active_tab = tab

    def action_back(self) -> None:
        """Back."""
        self.post_message(self.Left())
