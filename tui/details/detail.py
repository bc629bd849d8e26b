"""The frame of every drill-down."""

from __future__ import annotations

from tui.commands import Command
from tui.page import Page

BACK = Command("escape,backspace", "back", "back", "Back to where one came from", footer=True)


class Detail(Page):
    """A page that Escape leaves. The tab of the view from which it was reached stays lit."""
