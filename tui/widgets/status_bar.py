"""The first line: which server, its problems, and what this dashboard withholds, all in words."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events

from tui import humanise
from tui.link import State
from tui.messages import ShowView
from tui.problems import Knowledge
from tui.safe import safe
from tui.widgets.alarm_line import KEY, LISTS, alarm, told_all_the_same
from tui.widgets.words import Part, Words, spread
from tui.world import World

WIDE = 100  # cells from which keys are named
AROUND = 12  # cells of `✕ 4  `, ` +3` and the key
HEALTH_STYLES = {"ok": "$text-success", "off": "$foreground-muted", "degraded": "bold $text-warning"}
HEALTH_SIGNS = {"ok": "●", "off": "○", "degraded": "▲"}


class StatusBar(Words):
    """Values in by `tell`."""

    def tell(self, world: World, now: float, read_only: bool, paused: str) -> None:
        """Shows the state at `now` (monotonic seconds); `paused` says so in words, or is empty."""
        left: list[Part] = [(" notifier ", "bold reverse"), (f" {world.url}  ", "bold")]
        right: list[Part] = []
        if paused:
            right.append((f" {paused} ", "bold $warning reverse"))
        if read_only:
            right.append((" READ-ONLY ", "bold $accent"))
        room = self.size.width - _cells(left) - _cells(right) - (len(LISTS[0]) if self.size.width >= WIDE else 0)
        if room < _wanted(world):  # the worst problem says more than the program's own name
            room += _cells([left.pop(0)])
        left += _offline(world, now, room) if world.link.stale else _online(world, now, room)
        if left[-1] == KEY:  # it stands whole, whatever is cut before it
            right = [left.pop(), *([LISTS] if self.size.width >= WIDE else []), *right]
        self.say(*spread(left, right, self.size.width))

    def on_click(self, event: events.Click) -> None:
        """Lists the problems."""
        self.post_message(ShowView("problems"))


def _online(world: World, now: float, room: int) -> list[Part]:
    if world.link.state is State.CONNECTING:
        return [("◌ connecting", "$foreground-muted")]
    live = _live(world, calm=not world.problems.grave, now=now)
    return [*live, *alarm(world, now, room - _cells(live))]


def _live(world: World, calm: bool, now: float) -> list[Part]:
    """The event stream; in a few cells where there are problems to be said."""
    if world.recorded:
        return [("▶ recorded   ", "bold $accent")] if calm else []
    if not world.following:
        return [("◐ polling, no event stream   " if calm else "◐ polling  ", "$text-warning")]
    known = world.problems.knowledge(now) is Knowledge.KNOWN
    return [("● live   ", "bold $text-success" if known else "")] if calm else []


def _offline(world: World, now: float, room: int) -> list[Part]:
    link = world.link
    age = link.age(now)
    shown = "nothing seen yet" if age is None else f"data {humanise.span(age)} old"
    if told_all_the_same(world, now):
        *said, key = alarm(world, now, room - len(shown) - 2)
        return [*said, (f"  {shown}", "$text-warning"), key]
    said_so = f"✕ {link.state.value}, retrying in {link.retry_in(now)} s"
    return [(said_so, "bold $text-error"), (f"  {shown}", "$text-warning"), (f"  {link.reason}", "$foreground-muted")]


def _wanted(world: World) -> int:
    """The cells in which the worst problem stands whole, with the number of all and the key."""
    grave = world.problems.grave
    return cell_len(safe(grave[0].said)) + AROUND if grave else 0


def _cells(parts: list[Part]) -> int:
    return sum(cell_len(text) for text, _ in parts)
