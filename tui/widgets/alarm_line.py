"""The words of the first line: which problems the server has, the worst first, or why they are not known."""

from __future__ import annotations

from rich.cells import cell_len

from tui import humanise
from tui.humanise import plural
from tui.link import State
from tui.problems import Board, Knowledge, Problem
from tui.safe import safe
from tui.widgets.cells import fit
from tui.widgets.words import Part
from tui.world import World

SIGNS = {"critical": "✕", "warning": "▲", "notice": "○"}
STYLES = {"critical": "bold $text-error", "warning": "bold $text-warning", "notice": "$foreground-muted"}
KEY: Part = (" ! ", "bold $text-accent")  # the key that lists them all
LISTS: Part = ("list ", "")  # what it does, where there is room to say so
_MORE = 5  # cells for the number of those left out, and for the key
_MUTED = "$foreground-muted"
_UNSURE = "bold $text-warning"


def alarm(world: World, now: float, room: int) -> list[Part]:
    """The problems in at most `room` cells; green only where a fresh answer says that there are none."""
    board = world.problems
    match board.knowledge(now):
        case Knowledge.ABSENT:
            return _absent(world)
        case Knowledge.AWAITED:
            return [("◌ problems not known yet", _MUTED)]
        case Knowledge.OLD:
            return [(_old(board, now), _UNSURE), *_listed(board.grave, room - len(_old(board, now)))]
        case Knowledge.KNOWN:
            return _listed(board.grave, room) if board.grave else _calm(board)


def in_words(world: World, now: float) -> str:
    """The state in one sign and a few words, as for the terminal's title."""
    board = world.problems
    if world.link.stale and not told_all_the_same(world, now):
        return f"✕ {world.link.state.value}"
    if board.knowledge(now) is not Knowledge.KNOWN:
        return "? problems not known"
    if not board.grave:
        return "✓ no problems"
    return f"{SIGNS[board.grave[0].severity]} {plural(len(board.grave), 'problem')}: {safe(board.grave[0].said)}"


def told_all_the_same(world: World, now: float) -> bool:
    """True where a server that has no data, such as one whose store is away, lists its problems."""
    answers = world.link.state is State.UNAVAILABLE
    return answers and bool(world.problems.grave) and world.problems.knowledge(now) is Knowledge.KNOWN


def _calm(board: Board) -> list[Part]:
    parts: list[Part] = [("✓ no problems", "bold $text-success")]
    if board.notices:
        parts.append((f"  ○ {plural(len(board.notices), 'notice')}: {safe(board.notices[0].said)}", _MUTED))
    return parts


def _absent(world: World) -> list[Part]:
    parts: list[Part] = [("? problems not known: an older server", _UNSURE)]
    if world.health is not None:
        parts.append((f"  its health {safe(world.health.status)}", "" if world.health.status == "ok" else _UNSURE))
    return parts


def _old(board: Board, now: float) -> str:
    age = board.age(now)
    return "? problems not known  " if age is None else f"? problems of {humanise.span(age)} ago  "


def _listed(problems: list[Problem], room: int) -> list[Part]:
    """The number, as many texts as stand whole, how many are left, and the key.

    Where there is little room the number stands alone, and the first text is cut.
    """
    if not problems:
        return [KEY]
    texts = [safe(problem.said) for problem in problems]
    head = _head(problems, room - cell_len(texts[0]))
    room -= cell_len(head) + cell_len(KEY[0])
    shown = _fitting([cell_len(text) for text in texts], room)
    left = f" +{len(problems) - shown}" if shown < len(problems) else ""
    texts[0] = fit(texts[0], max(1, min(cell_len(texts[0]), room - len(left))))
    worst = STYLES[problems[0].severity]
    parts: list[Part] = [(head, worst)]
    for place, (problem, said) in enumerate(zip(problems[:shown], texts, strict=False)):
        parts += [(" · ", _MUTED)] if place else []
        parts.append((said, STYLES[problem.severity]))
    return [*parts, (left, _MUTED), KEY]


def _head(problems: list[Problem], room: int) -> str:
    sign = SIGNS[problems[0].severity]
    head = f"{sign} {plural(len(problems), 'problem')}  "
    return head if len(head) + _MORE <= room else f"{sign} {len(problems)}  "


def _fitting(lengths: list[int], room: int) -> int:
    """The number of texts that stand side by side with room to say how many more there are; at least one."""
    shown, used = 1, lengths[0]
    for left, length in zip(range(len(lengths) - 2, -1, -1), lengths[1:], strict=True):
        used += 3 + length
        if used + (_MORE if left else 0) > room:
            break
        shown += 1
    return shown
