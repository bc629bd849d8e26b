"""A command is data; binding, footer, help and palette are all made from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from textual.binding import ActiveBinding, Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

_KEY_NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "slash": "/",
    "space": "space",
    "escape": "esc",
    "enter": "⏎",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "equals_sign": "=",
}


@dataclass(frozen=True)
class Command:
    """One thing that a key does. `keys` as Textual names them, split by commas; `action` a Textual action.

    `label` is the word in the footer, `help` the sentence in help and palette; `writes` marks what `--read-only` takes
    away; `shown` is the key as the footer names it, by default the first.
    """

    keys: str
    action: str
    label: str
    help: str
    footer: bool = False
    writes: bool = False
    priority: bool = False
    shown: str = ""


@dataclass(frozen=True)
class Available:
    """A command that works at this moment: its first key and all of them for people, and where its action runs."""

    key: str
    keys: str
    label: str
    help: str
    action: str
    footer: bool
    node: DOMNode


def bind(commands: Iterable[Command]) -> list[BindingType]:
    """The bindings of these commands."""
    return [
        Binding(
            command.keys,
            command.action,
            command.label,
            show=command.footer,
            tooltip=command.help,
            priority=command.priority,
            key_display=command.shown or key_name(command.keys.partition(",")[0]),
        )
        for command in commands
    ]


def allowed(commands: Sequence[Command], action: str, read_only: bool) -> bool:
    """True for an action that may run: those that write may not with `--read-only`."""
    return not (read_only and any(command.writes and command.action == action for command in commands))


def available(screen: Screen[Any]) -> list[Available]:
    """The commands whose bindings are active on a screen, nearest to the focus first; several keys of one are one."""
    found: dict[tuple[int, str], list[tuple[str, ActiveBinding]]] = {}
    for key, active in screen.active_bindings.items():
        if active.binding.tooltip and active.enabled:
            found.setdefault((id(active.node), active.binding.action), []).append((key, active))
    return [_joined(pairs) for pairs in found.values()]


def _joined(pairs: list[tuple[str, ActiveBinding]]) -> Available:
    # Textual's own ^q stands beside our q: the one that the footer shows counts.
    pairs = sorted(pairs, key=lambda pair: not pair[1].binding.show)
    node, binding, _, _ = pairs[0][1]
    names = [key_name(key) for key, _ in pairs]
    first = binding.key_display or names[0]
    keys = " ".join([first, *(name for name in names if name not in first.split())])
    return Available(first, keys, binding.description, binding.tooltip, binding.action, binding.show, node)


def key_name(key: str) -> str:
    """A key for people: `?`, `^p`, `↑`."""
    modifier, _, last = key.rpartition("+")
    name = _KEY_NAMES.get(last, last)
    return f"^{name}" if modifier == "ctrl" else f"{modifier}+{name}" if modifier else name
