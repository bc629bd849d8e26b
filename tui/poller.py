"""The poller: fetches figures and problems, instances and health now and then, one subject, and follows events."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

from textual.message import Message

from tui.client import AdminClient, ApiError, Failure
from tui.figures import Figures, Health
from tui.link import State
from tui.messages import (
    ClusterArrived,
    EventsArrived,
    FiguresArrived,
    LinkChanged,
    ProblemsArrived,
    SnapshotArrived,
    SnapshotFailed,
)
from tui.model import Instance
from tui.sse import ServerEvent
from tui.subjects import Subject
from tui.world import World

PULSE = 1.0  # seconds between two fetches of the figures
SURVEY = 5.0  # between two of instances and health
ALARM = 2.0  # between two of the problems
ABSENT = 30.0  # the same where the server has no such list
GAP = 1.0  # least rest between two fetches of the subject; a slow one rests eight times as long as it took
UNFOLLOWED = 5.0  # longest rest while no events come
PAST = 86_400.0  # seconds of the past that are asked for: as long as the server keeps notable events
ANNOUNCE = 0.2  # single events are announced to the screen at most so often
FLOW = 1.0  # the same where they flow: each time every line of a list moves
TRICKLE = 2  # events in one announcement that are still single ones
_OF_INSTANCES = ("pod.", "instance.", "provider.")  # kinds of events after which instances and health are read anew
_GRAVE = ("instance.", "provider.", "channel.", "store.")  # the same for the problems
_LEFT_OUT = re.compile(r"(\d{1,9}) events left out")
_STATES = {Failure.REFUSED: State.REFUSED, Failure.UNAVAILABLE: State.UNAVAILABLE}


class Poller:
    """Five duties over one client. It writes the world and posts messages; it never touches a widget."""

    def __init__(
        self,
        client: AdminClient,
        world: World,
        post: Callable[[Message], object],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._world = world
        self._post = post
        self._clock = clock
        self._chance = chance
        self._wall = wall
        self._up = asyncio.Event()
        self._answering = asyncio.Event()  # also by saying that its store is away: it knows its problems then
        self._beat_now = asyncio.Event()
        self._survey_now = asyncio.Event()
        self._alarm_now = asyncio.Event()
        self._fetch_now = asyncio.Event()
        self._subject: Subject | None = None
        self._loading: asyncio.Task[None] | None = None
        self._wanted = False
        self._stale = False
        self._rested = False
        self._paused = False
        self._announced_at = 0.0
        self._announcing = False
        self._arrived = 0

    async def run(self) -> None:
        """Works until cancelled."""
        async with asyncio.TaskGroup() as group:
            for duty in (self._pulse, self._watch_problems, self._survey, self._follow, self._fetch):
                group.create_task(duty())

    def watch(self, subject: Subject | None) -> None:
        """Keeps this subject fresh from now on, and no other."""
        if self._loading is not None and subject is not self._subject:
            self._loading.cancel()
        self._subject = subject
        self.refresh()

    def refresh(self) -> None:
        """Fetches the subject now, and tries a lost server at once."""
        self._wanted = True
        self._fetch_now.set()
        if not self._world.link.live:
            self._beat_now.set()

    def pause(self, paused: bool) -> None:
        """Stops or resumes fetching the subject; the world goes on."""
        self._paused = paused
        if not paused:
            self.refresh()

    async def _pulse(self) -> None:
        while True:
            await _signalled(self._beat_now, await self._beat())

    async def _beat(self) -> float:
        try:
            answer = await self._client.metrics()
        except ApiError as error:
            return self._lost(error)
        changed = self._world.link.answered(self._clock())
        self._world.history.add(Figures.read(answer, at=self._clock()))
        self._up.set()
        self._answering.set()
        if changed:
            self._survey_now.set()
            self._post(LinkChanged())
        self._post(FiguresArrived())
        return PULSE

    def _lost(self, error: ApiError) -> float:
        self._up.clear()
        state = _STATES.get(error.failure, State.OFFLINE)
        if state is State.UNAVAILABLE:
            self._answering.set()
        else:
            self._answering.clear()
        wait = self._world.link.failed(state, str(error), self._clock(), self._chance())
        self._post(LinkChanged())
        return wait

    async def _watch_problems(self) -> None:
        while True:
            await self._answering.wait()
            rest = await self._ask_for_problems()
            if not self._world.link.live and not self._world.problems.grave:
                self._beat_now.set()  # what kept the server from answering is over
            await _signalled(self._alarm_now, rest)

    async def _ask_for_problems(self) -> float:
        board = self._world.problems
        try:
            begun = board.answered(await self._client.problems(), self._clock())
        except ApiError as error:
            board.failed(str(error), error.failure is Failure.NOT_FOUND)
            begun = []
        self._post(ProblemsArrived(begun))
        return ABSENT if board.absent else ALARM

    async def _survey(self) -> None:
        while True:
            await self._up.wait()
            await self._look()
            await _signalled(self._survey_now, SURVEY)

    async def _look(self) -> None:
        try:
            self._world.health = Health.read(await self._client.health())
            self._world.instances = [Instance.read(row) for row in await self._client.pods()]
        except ApiError:
            self._beat_now.set()
            return
        self._post(ClusterArrived())

    async def _follow(self) -> None:
        while True:
            await self._up.wait()
            try:
                async for batch in self._client.events(self._since()):
                    self._following(True)
                    self._take(batch)
            except ApiError:
                self._beat_now.set()
            self._following(False)
            await asyncio.sleep(PULSE * (1 + self._chance()))

    def _since(self) -> str:
        """A day back; once something came, what was missed after it."""
        return self._world.tail.newest or _written(self._wall() - PAST)

    def _following(self, following: bool) -> None:
        if self._world.following != following:
            self._world.following = following
            self._post(LinkChanged())

    def _take(self, batch: list[ServerEvent]) -> None:
        kinds = {self._keep(event) for event in batch} - {""}
        if not kinds:
            return
        if self._subject is not None and any(kind.startswith(self._subject.topics) for kind in kinds):
            self._grown_stale()
        if any(kind.startswith(_OF_INSTANCES) for kind in kinds):
            self._survey_now.set()
        if any(kind.startswith(_GRAVE) for kind in kinds):
            self._alarm_now.set()
        self._announce_soon()

    def _keep(self, event: ServerEvent) -> str:
        if event.kind != ":":
            return self._world.tail.add(event.kind, event.data)
        if found := _LEFT_OUT.search(event.data):
            self._world.tail.left_out += int(found[1])
        return ""

    def _grown_stale(self) -> None:
        self._stale = True
        if self._rested:
            self._fetch_now.set()

    def _announce_soon(self) -> None:
        if self._announcing:
            return
        self._announcing = True
        came, self._arrived = self._world.tail.arrived - self._arrived, self._world.tail.arrived
        rest = ANNOUNCE if came <= TRICKLE else FLOW
        wait = max(0.0, self._announced_at + rest - self._clock())
        asyncio.get_running_loop().call_later(wait, self._announce)

    def _announce(self) -> None:
        self._announcing, self._announced_at = False, self._clock()
        self._post(EventsArrived())

    async def _fetch(self) -> None:
        while True:
            await self._up.wait()
            subject = self._subject
            if subject is None or (self._paused and not self._wanted):
                await _signalled(self._fetch_now, None)
                continue
            self._wanted = self._stale = False
            self._fetch_now.clear()
            started = self._clock()
            await self._load_unless_another(subject)
            await self._rest(subject, self._clock() - started)

    async def _load_unless_another(self, subject: Subject) -> None:
        """Gives up where another subject is wanted: a server that hangs must not hold up the next page."""
        self._loading = asyncio.create_task(self._load(subject))
        try:
            await asyncio.wait((self._loading,))
        finally:
            self._loading.cancel()
        if not self._loading.cancelled():
            self._loading.result()

    async def _load(self, subject: Subject) -> None:
        try:
            async for value in subject.load(self._client):
                if subject is not self._subject:
                    return
                if value is not None:
                    self._post(SnapshotArrived(subject, value))
        except ApiError as error:
            self._post(SnapshotFailed(subject, str(error), error.failure is Failure.NOT_FOUND))
            if error.failure is not Failure.NOT_FOUND:
                self._beat_now.set()

    async def _rest(self, subject: Subject, took: float) -> None:
        if self._wanted or await _signalled(self._fetch_now, max(GAP, 8 * took)) or self._stale:
            return
        self._rested = True
        await _signalled(self._fetch_now, subject.interval if self._world.following else UNFOLLOWED)
        self._rested = False


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _signalled(event: asyncio.Event, seconds: float | None) -> bool:
    """Waits for the event, at most so long; whether it came. It is cleared."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
