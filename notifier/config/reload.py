"""Compares settings that were read anew with those of a running server."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from notifier.config.settings import DEFINITIONS, Settings


class Change(NamedTuple):
    """The settings that hold from now on; what was taken, by name; and the names that need a restart."""

    settings: Settings
    taken: dict[str, Any]
    waiting: list[str]


def compare(current: Settings, wanted: Settings) -> Change:
    """Sorts differences into those applied while running (`Definition.live`) and those that need a restart."""
    different = [d for d in DEFINITIONS if getattr(current, d.name) != getattr(wanted, d.name)]
    taken = {d.name: getattr(wanted, d.name) for d in different if d.live}
    waiting = [d.name for d in different if not d.live]
    if current.kafka != wanted.kafka:
        waiting.append("kafka")
    return Change(msgspec.structs.replace(current, **taken), taken, waiting)
