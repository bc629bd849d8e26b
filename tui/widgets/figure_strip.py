"""Key figures side by side: a name, and under it the number, both right-aligned."""

from __future__ import annotations

from textual import events

from tui.widgets.words import Part, Words


class FigureStrip(Words):
    """Figures are (name, value, style), shared out evenly over the width."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._figures: list[tuple[str, str, str]] = []

    def show(self, figures: list[tuple[str, str, str]]) -> None:
        """Shows these."""
        self._figures = figures
        self._draw(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Shares the new width out."""
        self._draw(event.size.width)

    def _draw(self, width: int) -> None:
        if not self._figures or not width:
            return
        # The first is one cell narrower, so that the last does not touch the edge.
        cell = min(14, width // len(self._figures))
        widths = [cell - 1] + [cell] * (len(self._figures) - 1)
        names: list[Part] = []
        values: list[Part] = []
        for room, (name, value, style) in zip(widths, self._figures, strict=True):
            names.append((name.rjust(room), "$foreground-muted"))
            values.append((value.rjust(room), f"bold {style}".strip()))
        self.say(*names, ("\n", ""), *values)
