"""Plays a recording: the poller's duties, fed from a tape at a position that moves by itself or is moved."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
from textual.message import Message

from tui.client import AdminClient, ApiError, Failure
from tui.events import Tail
from tui.figures import Figures, History
from tui.messages import FiguresArrived, LinkChanged
from tui.poller import Poller
from tui.record import Json
from tui.recording.recorder import key_of
from tui.recording.tape import METRICS, Tape
from tui.safe import safe
from tui.world import World

TICK = 0.25  # seconds between two steps
WINDOW = 600.0  # seconds before the position of which figures and events are shown
LOOK = 5.0  # seconds of the recording after which instances, health and the page are read anew
SPEED_MIN, SPEED_MAX = 0.125, 1024.0


class Deck:
    """The position in seconds; while it plays it moves by `speed` times the time that passes, to the end."""

    def __init__(self, length: float, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.length = length
        self.playing = True
        self._speed = speed
        self._clock = clock
        self._position = 0.0
        self._since = clock()

    @property
    def position(self) -> float:
        """Where it stands now."""
        moved = (self._clock() - self._since) * self._speed if self.playing else 0.0
        return min(self.length, self._position + moved)

    @property
    def speed(self) -> float:
        """The seconds of the recording that pass in one."""
        return self._speed

    def seek(self, position: float) -> None:
        """Goes there, at most to either end."""
        self._position, self._since = max(0.0, min(self.length, position)), self._clock()

    def play(self, playing: bool) -> None:
        """Stands still, or goes on."""
        self.seek(self.position)
        self.playing = playing

    def hurry(self, times: float) -> None:
        """Plays so many times as fast."""
        self.seek(self.position)
        self._speed = max(SPEED_MIN, min(SPEED_MAX, self._speed * times))


class ReplayClient(AdminClient):
    """Answers as the server did at the position; nothing is sent anywhere."""

    def __init__(self, tape: Tape, deck: Deck) -> None:
        super().__init__("http://recording", read_only=True)
        self._tape = tape
        self._deck = deck

    @property
    def place(self) -> str:
        """The server that was recorded."""
        return safe(self._tape.place)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tape.close()

    async def _read(self, path: str, params: Mapping[str, str], also: int = 0) -> Json:
        try:
            return self._tape.answer(key_of(path, params), self._deck.position)
        except ApiError:
            # Of lists that no view showed the first page alone was recorded.
            if params.get("cursor") or params.get("page", "1") != "1":
                return {}
            raise

    @asynccontextmanager
    async def _request(self, method: str, path: str, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        raise ApiError(Failure.REJECTED, "a recording changes nothing")
        yield


class Player(Poller):
    """A poller whose figures and events come from a tape."""

    def __init__(self, client: ReplayClient, world: World, post: Callable[[Message], object], tape: Tape, deck: Deck):
        super().__init__(client, world, post)
        self._tape = tape
        self._deck = deck
        self._fed = 0.0
        self._looked = 0.0

    def pause(self, paused: bool) -> None:
        """Stands still, or goes on."""
        self._deck.play(not paused)

    def seek(self, position: float) -> None:
        """Goes to a position, and shows at once how it was there."""
        self._deck.seek(position)
        self._rewind(self._deck.position - WINDOW)
        self.refresh()
        self._beat_now.set()
        self._survey_now.set()

    async def _beat(self) -> float:
        position = self._deck.position
        self._feed(position)
        if position - self._looked >= LOOK:
            self._looked = position
            self._survey_now.set()
            self._grown_stale()
        await self._ask_for_problems()
        try:
            self._tape.answer(METRICS, position)
        except ApiError as error:
            self._lost(error)
        else:
            self._found()
        return TICK

    def _lost(self, error: ApiError) -> float:
        """The server was away; what was known is shown all the same."""
        wait = super()._lost(error)
        self._up.set()
        return wait

    def _found(self) -> None:
        self._up.set()
        if self._world.link.answered(self._clock()):
            self._survey_now.set()
            self._post(LinkChanged())
        self._post(FiguresArrived())

    async def _watch_problems(self) -> None:
        """The problems come with the figures."""

    async def _follow(self) -> None:
        """The events come with the figures."""
        self._following(True)

    def _feed(self, position: float) -> None:
        """Figures and events since the last step."""
        for at, body in self._tape.figures(self._fed, position):
            self._world.history.add(Figures.read(body, at=at))
        self._take(self._tape.events(self._fed, position))
        self._fed = position

    def _rewind(self, position: float) -> None:
        """Forgets what was shown; from here on it is fed anew."""
        self._world.history, self._world.tail = History(), Tail()
        self._fed = self._looked = position
