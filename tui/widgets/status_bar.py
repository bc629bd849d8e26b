"""The first line: which server, how it stands, and what this dashboard withholds, all in words."""

from __future__ import annotations

from tui import humanise
from tui.link import State
from tui.safe import safe
from tui.widgets.words import Part, Words, spread
from tui.world import World

HEALTH_STYLES = {"ok": "$text-success", "off": "$foreground-muted", "degraded": "bold $text-warning"}
HEALTH_SIGNS = {"ok": "●", "off": "○", "degraded": "▲"}


class StatusBar(Words):
    """Values in by `tell`."""

    def tell(self, world: World, now: float, read_only: bool, paused: str) -> None:
        """Shows the state at `now` (monotonic seconds); `paused` says so in words, or is empty."""
        left: list[Part] = [(" notifier ", "bold reverse"), (f" {world.url}  ", "bold")]
        left += _offline(world, now) if world.link.stale else _online(world)
        right: list[Part] = []
        if paused:
            right.append((f" {paused} ", "bold $warning reverse"))
        if read_only:
            right.append((" READ-ONLY ", "bold $accent"))
        self.say(*spread(left, right, self.size.width))


def _online(world: World) -> list[Part]:
    if world.link.state is State.CONNECTING:
        return [("◌ connecting", "$foreground-muted")]
    live: Part = (
        ("● live", "bold $text-success") if world.following else ("◐ polling, no event stream", "$text-warning")
    )
    health = world.health
    if health is None:
        return [live]
    style = HEALTH_STYLES.get(health.status, "bold $text-error")
    return [
        live,
        ("   health ", "$foreground-muted"),
        (f"{HEALTH_SIGNS.get(health.status, '✕')} {safe(health.status)}", style),
    ]


def _offline(world: World, now: float) -> list[Part]:
    link = world.link
    age = link.age(now)
    shown = "nothing seen yet" if age is None else f"data {humanise.span(age)} old"
    said = f"✕ {link.state.value}, retrying in {link.retry_in(now)} s"
    return [(said, "bold $text-error"), (f"  {shown}", "$text-warning"), (f"  {link.reason}", "$foreground-muted")]
