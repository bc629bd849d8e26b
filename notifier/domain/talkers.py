"""Top talkers: bounded counts of names over the last minute and the last fifteen.

Names come from outside, without end: a count keeps the most frequent ones, and forgets the least frequent when it holds
twice as many (a lossy count; what makes up more than a small part of all is never forgotten).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from notifier.domain.users import User

KINDS = ("source", "user", "caller", "address")
KEPT = 100  # names of one kind and slot
MOST_NOTED = 2_000  # notes a second that are all kept
SLOT = 5.0  # seconds of a fine slot; a coarse one takes a minute
FINE, COARSE = 12, 15  # slots: a minute, and fifteen of them


class Talk(NamedTuple):
    """Notifications or deliveries that came in together: `weight` of them for each name, empty names left out."""

    kind: str
    name: str
    weight: int


class Ring:
    """Counts of one kind in slots of equal length, the oldest of which goes when a new one begins."""

    def __init__(self, slots: int, seconds: float) -> None:
        self._seconds = seconds
        self._slots: deque[tuple[int, Counter[str]]] = deque(maxlen=slots)

    def add(self, names: Mapping[str, int], now: float) -> None:
        """Counts names at `now`, monotonic seconds."""
        number = int(now / self._seconds)
        if not self._slots or self._slots[-1][0] != number:
            self._slots.append((number, Counter()))
        counts = self._slots[-1][1]
        counts.update(names)
        if len(counts) > 2 * KEPT:
            self._slots[-1] = (number, Counter(dict(counts.most_common(KEPT))))

    def total(self, now: float) -> Counter[str]:
        """The counts of all slots that are not too old."""
        oldest = int(now / self._seconds) - (self._slots.maxlen or 0)
        found: Counter[str] = Counter()
        for number, counts in self._slots:
            if number > oldest:
                found.update(counts)
        return found


class Talkers:
    """Counts by kind and name over one minute and fifteen."""

    def __init__(self) -> None:
        self._fine = {kind: Ring(FINE, SLOT) for kind in KINDS}
        self._coarse = {kind: Ring(COARSE, 60.0) for kind in KINDS}
        self._last: dict[str, deque[tuple[float, Counter[str]]]] = {"source": deque(maxlen=5)}

    def add(self, talk: Iterable[Talk], now: float) -> None:
        """Counts what came in since the last call, once a second; `now` is monotonic seconds."""
        found: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        for kind, name, weight in talk:
            if name:
                found[kind][name] += weight
        for kind, names in found.items():
            if names:
                self._fine[kind].add(names, now)
                self._coarse[kind].add(names, now)
        self._last["source"].append((now, Counter(dict(found["source"].most_common(KEPT)))))

    def top(self, minutes: int, most: int, now: float) -> dict[str, dict[str, int]]:
        """The most frequent names of each kind over 1 or 15 minutes."""
        rings = self._fine if minutes == 1 else self._coarse
        return {kind: dict(ring.total(now).most_common(most)) for kind, ring in rings.items()}

    def rates(self, most: int, now: float) -> dict[str, float]:
        """Each source's notifications a second over the last five."""
        recent = [counts for at, counts in self._last["source"] if at > now - 5.5]
        total: Counter[str] = Counter()
        for counts in recent:
            total.update(counts)
        return {name: number / 5 for name, number in total.most_common(most)}


class Notebook:
    """Notes of what comes in, taken where it does and counted once a second: a note is one tuple on a list.

    Of more than 2,000 notes a second every eighth is kept and stands for eight, of more than 16,000 every 64th.
    """

    def __init__(self) -> None:
        self.talkers = Talkers()
        self._stored: list[tuple[str, Sequence[Stored]]] = []
        self._came: list[tuple[str, str, str, str, int]] = []
        self._number = self._mask = 0

    def stored(self, source: str, items: Sequence[Stored]) -> None:
        """Notes notifications that were stored; each item names its user."""
        self._number += 1
        if not self._number & self._mask:
            self._stored.append((source, items))

    def came(self, caller: str, address: str, *, source: str = "", user: str = "", number: int = 1) -> None:
        """Notes a request: its caller and address, and for deliveries their source, user and number."""
        self._number += 1
        if not self._number & self._mask:
            self._came.append((caller, address, source, user, number))

    def count(self, now: float) -> None:
        """Counts the notes since the last call; `now` is monotonic seconds."""
        weight = self._mask + 1
        stored, self._stored, came, self._came = self._stored, [], self._came, []
        noted, self._number = self._number, 0
        self._mask = 63 if noted > 8 * MOST_NOTED else 7 if noted > MOST_NOTED else 0
        self.talkers.add(_talk(stored, came, weight), now)


class Stored(Protocol):
    """A notification that was stored, with its user."""

    @property
    def user(self) -> User: ...


def _talk(
    stored: Sequence[tuple[str, Sequence[Stored]]], came: Sequence[tuple[str, str, str, str, int]], weight: int
) -> Iterator[Talk]:
    for source, items in stored:
        yield Talk("source", source, weight * len(items))
        for item in items:
            yield Talk("user", item.user.key, weight)
    for caller, address, source, user, number in came:
        yield Talk("caller", caller, weight * number)
        yield Talk("address", address, weight * number)
        yield Talk("source", source, weight * number)
        yield Talk("user", user, weight * number)
