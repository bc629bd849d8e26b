"""Top talkers: bounded counts of names over the last minute and the last fifteen.

Names come from outside, without end: a count keeps the most frequent ones, and forgets the least frequent when it holds
twice as many (a lossy count; what makes up more than a small part of all is never forgotten).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from notifier.domain.users import User

KINDS = ("source", "user", "caller", "address")
KEPT = 100  # names of one kind and slot
MOST_NOTED = 500  # notes a second that are all kept
COARSE_MASK, COARSEST = 7, 63  # a note is kept where its number has none of these bits
RATE_SECONDS = 5
SLOT = 5.0  # seconds of a fine slot; a coarse one takes a minute
FINE, COARSE = 12, 15  # slots: a minute, and fifteen of them


_NONE: Counter[str] = Counter()


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
        self._last: deque[tuple[float, Counter[str]]] = deque(maxlen=RATE_SECONDS)

    def add(self, names: Mapping[str, Counter[str]], now: float, topics: Counter[str] = _NONE) -> None:
        """Counts what came in since the last call, by kind, once a second; `now` is monotonic seconds. Of the sources,
        `topics` are many senders in one, read as fast as they can be: they have no rate."""
        for kind, counts in names.items():
            if counts:
                self._fine[kind].add(counts, now)
                self._coarse[kind].add(counts, now)
        self._last.append((now, Counter(dict((names["source"] - topics).most_common(KEPT)))))

    def top(self, minutes: int, most: int, now: float) -> dict[str, dict[str, int]]:
        """The most frequent names of each kind over 1 or 15 minutes."""
        rings = self._fine if minutes == 1 else self._coarse
        return {kind: dict(ring.total(now).most_common(most)) for kind, ring in rings.items()}

    def rates(self, most: int, now: float) -> dict[str, float]:
        """Each source's notifications a second over the last five."""
        total: Counter[str] = Counter()
        for at, counts in self._last:
            if at > now - RATE_SECONDS - 0.5:
                total.update(counts)
        return {name: number / RATE_SECONDS for name, number in total.most_common(most)}


class Notebook:
    """Notes of what comes in, taken where it does and counted once a second: a note is one tuple on a list.

    Beyond 500 notes a second every eighth is kept and stands for eight, beyond 4,000 every 64th: counting costs less
    than a millisecond a second, however much comes in.
    """

    def __init__(self) -> None:
        self.talkers = Talkers()
        self._stored: list[tuple[str, Sequence[Stored], int]] = []
        self._came: list[tuple[str, str, str, str, int]] = []
        self._read: list[tuple[str, str, int]] = []
        self._number = self._mask = 0

    def stored(self, source: str, items: Sequence[Stored]) -> None:
        """Notes notifications that were stored; each item names its user."""
        self._number += 1
        if not self._number & self._mask:
            self._stored.append((source, items, self._mask + 1))
            if len(self._stored) > MOST_NOTED:
                self._mask = COARSEST

    def came(self, caller: str, address: str, *, source: str = "", user: str = "", number: int = 1) -> None:
        """Notes a request: its caller and address, and for deliveries their source, user and number."""
        self._number += 1
        if not self._number & self._mask:
            self._came.append((caller, address, source, user, number * (self._mask + 1)))
            if len(self._came) > MOST_NOTED:
                self._mask = COARSEST

    def read(self, topic: str, user: str) -> None:
        """Notes a delivery that came by Kafka: it has no caller, and its topic is its source."""
        self._number += 1
        if not self._number & self._mask:
            self._read.append((f"kafka:{topic}", user, self._mask + 1))
            if len(self._read) > MOST_NOTED:
                self._mask = COARSEST

    def count(self, now: float) -> None:
        """Counts the notes since the last call; `now` is monotonic seconds."""
        stored, self._stored, came, self._came, read, self._read = self._stored, [], self._came, [], self._read, []
        noted, self._number = self._number, 0
        self._mask = COARSEST if noted > 8 * MOST_NOTED else COARSE_MASK if noted > MOST_NOTED else 0
        topics = Counter[str]()
        for topic, user, number in read:
            topics[topic] += number
            came.append(("", "", topic, user, number))
        self.talkers.add(_counted(stored, came), now, topics)


class Stored(Protocol):
    """A notification that was stored, with its user."""

    @property
    def user(self) -> User: ...


def _counted(
    stored: Sequence[tuple[str, Sequence[Stored], int]], came: Sequence[tuple[str, str, str, str, int]]
) -> dict[str, Counter[str]]:
    sources, callers, addresses, names = (Counter[str]() for _ in KINDS)
    users: Counter[User] = Counter()
    for source, items, weight in stored:
        sources[source] += weight * len(items)
        for item in items:
            users[item.user] += weight
    for caller, address, source, name, number in came:
        callers[caller] += number
        addresses[address] += number
        sources[source] += number
        names[name] += number
    names.update({user.key: number for user, number in users.items()})
    found = {"source": sources, "user": names, "caller": callers, "address": addresses}
    for counts in found.values():
        counts.pop("", None)  # a name that there is none of
    return found
