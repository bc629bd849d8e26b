"""Values that the overview keeps fresh: the channels, and now and then the figures of the last hours. No Textual."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from tui.client import AdminClient, ApiError, Failure
from tui.deliveries.channels import AllChannels, ChannelTable
from tui.minutes import HOUR, Minutes

ANEW = 60.0  # seconds between two requests for the figures: there is one a minute
ABSENT = 600.0  # the same where the server keeps none


class Glance:
    """A subject. `minutes` are the reach of the figures that are wanted, none where it is 0."""

    topics: tuple[str, ...] = AllChannels().topics
    interval: float = AllChannels().interval

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.minutes = HOUR
        self._clock = clock
        self._channels = AllChannels()
        self._due = 0.0
        self._asked = 0
        self._answer: Minutes | None = None

    async def load(self, client: AdminClient) -> AsyncIterator[ChannelTable | Minutes]:
        """The channels and the figures; these are asked for when they are due or others are wanted, and given each
        time, since an answer that comes while another page is in front is lost."""
        async for table in self._channels.load(client):
            yield table
        wanted = self.minutes
        if wanted and (wanted != self._asked or self._clock() >= self._due):
            self._answer = await self._ask(client, wanted)
            self._asked = wanted
        if wanted and self._answer is not None:
            yield self._answer

    async def _ask(self, client: AdminClient, wanted: int) -> Minutes | None:
        try:
            answer = await client.history_of_figures(wanted)
        except ApiError as error:
            if error.failure is not Failure.NOT_FOUND:
                raise
            self._due = self._clock() + ABSENT
            return None
        self._due = self._clock() + ANEW
        return Minutes.read(answer)
