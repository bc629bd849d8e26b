"""Names and values in two columns."""

from __future__ import annotations

from collections.abc import Sequence

from tui.safe import safe
from tui.widgets.words import Part, Words


class Facts(Words):
    """Both may be any text; they are made safe here."""

    def show(self, facts: Sequence[tuple[str, str]]) -> None:
        """Shows these, one a line."""
        facts = [(safe(name), safe(value)) for name, value in facts]
        width = max((len(name) for name, _ in facts), default=0)
        parts: list[Part] = []
        for place, (name, value) in enumerate(facts):
            line = "\n" if place else ""
            parts += [(f"{line}{name.ljust(width)}  ", "$foreground-muted"), (value, "")]
        self.say(*parts, layout=True)
