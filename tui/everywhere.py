"""The keys that work on every page."""

from __future__ import annotations

from tui.commands import Command
from tui.screens import find_views

EVERYWHERE = (
    Command("question_mark", "help", "help", "All keys that work here", footer=True),
    # Where there is no filter, `/` opens this field: what follows is text, and q or X in it is no command.
    Command("colon,slash", "goto", "go to", "Go to anything by its id or name: a view, user, delivery, …", footer=True),
    Command("ctrl+p", "command_palette", "find", "Find any action by name", priority=True),
    Command("space", "pause", "pause", "Pause what moves, or go on", footer=True),
    Command("r", "refresh", "refresh", "Fetch what is shown now; try a lost server at once"),
    Command("t", "next_theme", "theme", "Dark or light, remembered"),
    Command("z", "turn_zone", "zone", "Times in local time or in UTC, remembered"),
    Command("ctrl+g", "toggle_bell", "bell", "Ring the terminal's bell when a problem begins, or no more; remembered"),
    Command("q,ctrl+c", "quit", "quit", "Leave the dashboard", footer=True, shown="q ^c"),
    *(
        Command(view.tab.key, f"view('{view.tab.view}')", view.tab.title, f"Go to {view.tab.title}")
        for view in find_views()
    ),
)
PAGE_ACTIONS = frozenset(
    {"view", "help", "goto", "pause", "refresh", "next_theme", "turn_zone", "toggle_bell", "quit", "command_palette"}
)
