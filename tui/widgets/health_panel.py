"""The state of each part of the server: a sign, a word, and what it says of itself."""

from __future__ import annotations

from tui.figures import Component, Health
from tui.safe import safe
from tui.widgets.status_bar import HEALTH_SIGNS, HEALTH_STYLES
from tui.widgets.words import Part, Words

COMPONENTS_MAX = 20
_WELL = ("ok", "off")


class HealthPanel(Words):
    """Values in by `show`."""

    def show(self, health: Health) -> None:
        """Shows the components, one a line."""
        # Those that are well stand last: the panel has few lines.
        shown = sorted(health.components, key=lambda component: component.status in _WELL)[:COMPONENTS_MAX]
        width = max((len(component.status) for component in shown), default=0)
        self.say(*(part for component in shown for part in _line(component, min(width, 12))))


def _line(component: Component, width: int) -> list[Part]:
    style = HEALTH_STYLES.get(component.status, "bold $text-error")
    sign = HEALTH_SIGNS.get(component.status, "✕")
    return [
        (f"{safe(component.name)[:10]:<10} ", ""),
        (f"{sign} {safe(component.status)[:width]:<{width}}  ", style),
        (f"{safe(component.detail)[:120]}\n", "$foreground-muted"),
    ]
