"""What of newly read settings can be applied to a running server."""

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
    """Sorts what is different into what can change while running (`Definition.live`) and what can not."""
    different = [d for d in DEFINITIONS if getattr(current, d.name) != getattr(wanted, d.name)]
    taken = {d.name: getattr(wanted, d.name) for d in different if d.live}
    waiting = [d.name for d in different if not d.live]
    if current.kafka != wanted.kafka:
        waiting.append("kafka")
    return Change(msgspec.structs.replace(current, **taken), taken, waiting)
