"""The problems of the cluster as this instance knows them: its own, those that the others tell, and what all share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from notifier.domain.problems import (
    MAX_SUBJECT,
    ChannelShare,
    Kind,
    Problem,
    Shared,
    Signs,
    Thresholds,
    merged,
    own_problems,
    shared_problems,
)
from notifier.errors import NotifierError
from notifier.service.operate import PodReport
from notifier.store.delivery_records import Queues

FRESH = 1.0  # seconds for which what was read of the store is not read again for an answer
ASK_FOR = 0.5  # seconds that an answer waits for the store; then it comes from memory
SETTLE = 5.0  # seconds after the store's return in which the others may still renew their presence
LASTS = {Kind.KAFKA_AWAY: 3.0, Kind.DUTY_FAILING: 5.0}  # seconds for which these must hold before they are told

LINGER = 1.5  # seconds for which what was measured is told on: instances see the end of it one after the other
MEASURED = frozenset({Kind.STORE_SLOW, Kind.LOOP_LAG, Kind.DELIVERY_SLOW, Kind.PROVIDER_SLOW})

_decode = msgspec.json.Decoder(Problem).decode


class Told(NamedTuple):
    """Facts of an instance in its presence document."""

    problems: list[Problem]
    kafka_lag: int
    sources: dict[str, float]


class Memory:
    """Remembers since when each problem holds; forgets those that hold no more."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: dict[tuple[Kind, str], float] = {}

    def date(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems with their beginnings; those that must last are left out until they have."""
        now = self._now()
        self._since = {one.key: self._since.get(one.key, one.since or now) for one in problems}
        return [
            replace(one, since=self._since[one.key])
            for one in problems
            if now - self._since[one.key] >= LASTS.get(one.kind, 0.0)
        ]


class Afterglow:
    """Measurements that are told for a moment longer, so that a problem at its threshold does not flicker."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[tuple[Kind, str], tuple[float, Problem]] = {}

    def over(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems, and those of a moment ago."""
        now, present = self._clock(), {one.key for one in problems}
        self._seen |= {one.key: (now, one) for one in problems if one.kind in MEASURED}
        self._seen = {key: seen for key, seen in self._seen.items() if now - seen[0] < LINGER}
        return [*problems, *(one for key, (_, one) in self._seen.items() if key not in present)]


class ProblemBoard:
    """One list of problems for every reader. It is made from memory; `look` reads the store first, if it can."""

    def __init__(
        self,
        pod: str,
        measure: Callable[[], Signs],
        kafka_lag: Callable[[], int],
        sources: Callable[[], Mapping[str, float]],
        now: Callable[[], float],
        limits: Thresholds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`measure`, `kafka_lag` and `sources` answer what this instance knows of itself; `now` is Redis' time."""
        self._pod = pod
        self._measure = measure
        self._kafka_lag = kafka_lag
        self._sources = sources
        self._now = now
        self._limits = limits
        self._clock = clock
        self._afterglow = Afterglow(clock)
        self._own_memory, self._memory = Memory(now), Memory(now)
        self._own: list[Problem] = []
        self._pods: Sequence[PodReport] = ()
        self._gone: dict[str, float] = {}
        self._queues: Queues | None = None
        self._settled_at = clock() + SETTLE
        self._was_up = False
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self.on_change: Callable[[], None] = lambda: None  # called when this instance has other problems than before
        self.on_gone: Callable[[str], None] = lambda pod: None
        self.read_store: Callable[[], Awaitable[tuple[Queues, list[PodReport]]]] | None = None

    def reconfigure(self, limits: Thresholds) -> None:
        """Replaces the thresholds."""
        self._limits = limits

    # -- what is noted

    def measure(self) -> None:
        """Measures this instance; called once a second."""
        signs = self._measure()
        if signs.store_up and not self._was_up:
            self._settled_at = self._clock() + SETTLE
        self._was_up = signs.store_up
        before = {one.key for one in self._own}
        self._own = self._own_memory.date(own_problems(self._pod, signs, self._limits))
        if {one.key for one in self._own} != before:
            self.on_change()

    def note_pods(self, pods: Sequence[PodReport]) -> None:
        """Takes in the instances' documents, and who is gone without leave."""
        now, seen = self._now(), {one.pod_id for one in self._pods if one.alive}
        gone = {
            one.pod_id: self._gone.get(one.pod_id, now - (0.0 if one.pod_id in seen else one.heartbeat_age_s))
            for one in pods
            if not one.alive and one.pod_id != self._pod
        }
        self._pods = pods
        if self._clock() < self._settled_at:
            gone = {pod: since for pod, since in gone.items() if pod in self._gone}
        for pod in sorted(gone.keys() - self._gone.keys()):
            self.on_gone(pod)
        self._gone = gone

    def note_queues(self, queues: Queues) -> None:
        """Takes in the queues."""
        self._queues = queues

    # -- what is told

    def told(self) -> Told:
        """This instance's part of the list, for its document."""
        return Told(self._own, self._kafka_lag(), dict(self._sources()))

    def current(self) -> list[Problem]:
        """The problems of the cluster, worst first, from memory."""
        others = [problem for pod in self._others() for raw in pod.problems for problem in _problems_in(raw)]
        shared = self._memory.date(shared_problems(self._shared(), self._limits))
        return merged(self._afterglow.over([*self._own, *others, *shared]))

    async def look(self) -> list[Problem]:
        """As `current`, of what the store says now; where it does not answer at once, from memory."""
        if self.read_store is not None and self._was_up and self._clock() - self._read_at > FRESH:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read(), name="problems")
            await asyncio.wait([self._reading], timeout=ASK_FOR)
        self.measure()
        return self.current()

    async def _read(self) -> None:
        assert self.read_store is not None
        try:
            queues, pods = await self.read_store()
        except NotifierError:
            return  # that it is away is a problem which `measure` finds
        self._read_at = self._clock()
        self.note_queues(queues)
        self.note_pods(pods)

    def _others(self) -> list[PodReport]:
        return [pod for pod in self._pods if pod.alive and pod.pod_id != self._pod]

    def _shared(self) -> Shared:
        others = self._others()
        sources: dict[str, float] = dict(self._sources())
        for pod in others:
            for name, rate in pod.sources.items():
                sources[name] = sources.get(name, 0.0) + rate
        queues = self._queues
        rows = queues.channels if queues is not None else []
        return Shared(
            [ChannelShare(q.channel, q.paused, sum(q.waiting.values()), q.held.get("circuit_open", 0)) for q in rows],
            queues.dead_recent if queues is not None else 0,
            self._gone,
            self._kafka_lag() + sum(pod.kafka_lag for pod in others),
            {name[:MAX_SUBJECT]: rate for name, rate in sources.items()},
        )


def _problems_in(raw: msgspec.Raw) -> list[Problem]:
    """A problem that another instance tells; none where its version knows kinds that this one does not."""
    try:
        return [_decode(raw)]
    except msgspec.MsgspecError:
        return []
