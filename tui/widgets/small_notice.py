"""The notice on a terminal too small for the views, with the figures that matter most."""

from __future__ import annotations

import time

from textual.geometry import Size

from tui import humanise
from tui.figures import Sample
from tui.problems import Knowledge
from tui.safe import safe
from tui.widgets.alarm_line import SIGNS, STYLES, in_words
from tui.widgets.words import Part, Words
from tui.world import World

PROBLEMS_MAX = 5
LEAST = Size(80, 22)  # 24 lines less what tmux or screen may take


class SmallNotice(Words):
    """Values in by `tell`."""

    def tell(self, world: World, size: Size) -> None:
        """Shows the notice for a terminal of this size."""
        parts: list[Part] = [
            (f"This terminal has {size.width}×{size.height} cells.\n", "bold"),
            ("The dashboard needs 80×24; make it larger.\n\n", ""),
        ]
        state = world.link.state.value
        parts.append((f"{world.url}: {state}\n", "bold $text-error" if world.link.stale else "bold $text-success"))
        parts += _alarms(world)
        sample = world.history.latest
        if sample is not None:
            parts.append((_figures(sample), ""))
        parts.append(("\n\nq quits", "$foreground-muted"))
        self.say(*parts)


def _alarms(world: World) -> list[Part]:
    """The problems, one a line; one line where there are none or they are not known."""
    grave = world.problems.grave[:PROBLEMS_MAX]
    if not grave or world.link.stale or world.problems.knowledge(time.monotonic()) is not Knowledge.KNOWN:
        return [] if world.link.stale else [(f"{in_words(world, time.monotonic())}\n", "")]
    return [(f"{SIGNS[row.severity]} {safe(row.said)}\n", STYLES[row.severity]) for row in grave]


def _figures(sample: Sample) -> str:
    figures = sample.figures
    return (
        f"{humanise.count(figures.connections)} connections, {humanise.count(figures.pending)} unread,\n"
        f"{humanise.rate(sample.rates[0])} sent a second, p95 {humanise.milliseconds(figures.p95)}"
    )
