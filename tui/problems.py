"""The server's list of its problems, and how far it may be trusted. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, NamedTuple

from tui.model import Ownerless
from tui.record import Json, Moment, Number, Raw, Read, Text, moment_in, rows, text

OLD = 10.0  # seconds after which an answer no longer says how things are now
GRAVE = ("critical", "warning")  # severities that make the line red or yellow; others are notices


class Place(NamedTuple):
    """A view, and the id of a row in it or nothing."""

    view: str
    id: str


def _place(row: Json, name: str) -> Place:
    found = row.get(name)
    return Place(text(found, "view"), text(found, "id")) if isinstance(found, Mapping) else Place("", "")


@dataclass(frozen=True, slots=True)
class Problem(Ownerless, Read):
    """One state that somebody should look at, as a row of `GET problems`; `since` in unix seconds."""

    kind: Text
    severity: Text
    subject: Text
    said: Annotated[str, text, "text"]
    since: Moment
    value: Number
    threshold: Number
    place: Annotated[Place, _place, "open"]
    raw: Raw

    @property
    def grave(self) -> bool:
        """True where it is more than a notice."""
        return self.severity in GRAVE

    @property
    def key(self) -> tuple[str, str]:
        """The same for the same problem in the next answer."""
        return self.kind, self.subject

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return f"{self.kind} {self.subject}".strip()

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.severity} {self.kind} {self.subject} {self.said}".lower()


class Knowledge(Enum):
    """The states of the list."""

    AWAITED = "awaited"  # not answered yet
    KNOWN = "known"
    OLD = "old"  # the last answer is older than `OLD`
    ABSENT = "absent"  # the server has no such list: it is older than this dashboard


@dataclass
class Board:
    """The list as it was last answered, the worst first; only while it is `KNOWN` may it say that all is well. Times
    are monotonic seconds."""

    problems: list[Problem] = field(default_factory=list)
    checked_at: float | None = None  # unix seconds, by the server's clock
    reason: str = ""  # why the last request failed
    absent: bool = False
    answered_at: float | None = None

    def answered(self, answer: Json, now: float) -> list[Problem]:
        """Takes an answer; gives the grave problems that the answer before it did not hold, none of the first one."""
        before = {problem.key for problem in self.problems if problem.grave}
        first = self.answered_at is None
        self.problems = [Problem.read(row) for row in rows(answer, "problems")]
        self.checked_at = moment_in(answer, "checked_at")
        self.answered_at, self.reason, self.absent = now, "", False
        return [] if first else [problem for problem in self.grave if problem.key not in before]

    def failed(self, reason: str, absent: bool) -> None:
        """No answer; `absent`: the server has no such list."""
        self.reason, self.absent = reason, absent
        if absent:
            self.problems, self.answered_at = [], None

    def knowledge(self, now: float) -> Knowledge:
        """The trust that the list deserves."""
        if self.absent:
            return Knowledge.ABSENT
        if self.answered_at is None:
            return Knowledge.AWAITED if not self.reason else Knowledge.OLD
        return Knowledge.OLD if now - self.answered_at > OLD else Knowledge.KNOWN

    def age(self, now: float) -> float | None:
        """Seconds since the last answer; None before the first."""
        return None if self.answered_at is None else now - self.answered_at

    @property
    def grave(self) -> list[Problem]:
        """Those that are more than notices."""
        return [problem for problem in self.problems if problem.grave]

    @property
    def notices(self) -> list[Problem]:
        """Those that only say how the server is set up."""
        return [problem for problem in self.problems if not problem.grave]
