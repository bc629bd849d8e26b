"""All that the dashboard holds of the server; the poller writes it, the views read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.events import Tail
from tui.figures import Health, History
from tui.link import Link
from tui.model import Instance
from tui.problems import Board


@dataclass
class World:
    """One cluster as it was last seen. Everything in it is bounded."""

    url: str
    link: Link = field(default_factory=Link)
    history: History = field(default_factory=History)
    tail: Tail = field(default_factory=Tail)
    health: Health | None = None
    problems: Board = field(default_factory=Board)
    instances: list[Instance] = field(default_factory=list)
    following: bool = False
    recorded: bool = False  # a recording is shown: nothing here is of now
