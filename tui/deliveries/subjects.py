"""The lists and pages of deliveries: their requests, and the events that make them stale."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tui.client import DELIVERIES_PAGE, AdminClient, ApiError, Failure
from tui.deliveries.model import Attempt, DeadLetter, Delivery, Provider, Queues, Reason, queue_of
from tui.deliveries.query import Query
from tui.record import Json, rows, text, whole
from tui.subjects import ROWS_MAX, Snapshot

AT_FIRST = 500  # deliveries loaded; more when one asks for more: each hundred is a request at every refresh
DEAD_MAX = 2_000


class Recent:
    """The newest deliveries that pass the server's filter, as many as are `wanted`."""

    topics: tuple[str, ...] = ("delivery.",)
    interval: float = 15.0

    def __init__(self) -> None:
        self.query = Query()
        self.wanted = AT_FIRST
        self._held: Query | None = None  # all of this query came once: a refresh shows nothing less

    def want_more(self) -> None:
        """As many again, up to `ROWS_MAX`."""
        self.wanted = min(ROWS_MAX, self.wanted + AT_FIRST)

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[Delivery] | None]:
        """At first the first page as soon as it is there; None for each on the way, then all of them."""
        query, found = self.query, dict[str, Delivery]()
        if query.identity:
            yield await _by_id(client, query.identity)
            return
        terms = query.terms(time.time())  # anew each time: `since:1h` moves on
        pages = -(-self.wanted // DELIVERIES_PAGE)
        for page in range(1, pages + 1):
            answer = await client.deliveries(page, **terms)
            if query != self.query:
                return
            came = rows(answer, "notifications")
            # By id: new ones push the others from page to page meanwhile.
            found |= {row.id: row for row in map(Delivery.read, came) if row.id not in found}
            total = whole(answer, "total")
            if page == pages or len(came) < DELIVERIES_PAGE:
                self._held = query
                yield Snapshot(list(found.values()), total)
                return
            yield Snapshot(list(found.values()), total) if page == 1 and self._held != query else None


async def _by_id(client: AdminClient, identity: str) -> Snapshot[Delivery]:
    try:
        return Snapshot([Delivery.read(await client.delivery(identity))], 1)
    except ApiError as error:
        if error.failure is not Failure.NOT_FOUND:
            raise
        return Snapshot([], 0)


@dataclass
class DeliveryFacts:
    """A delivery with its attempts, oldest first."""

    delivery: Delivery
    attempts: list[Attempt]


@dataclass(frozen=True)
class OneDelivery:
    """One delivery."""

    id: str
    topics: tuple[str, ...] = ("delivery.",)
    interval: float = 5.0

    async def load(self, client: AdminClient) -> AsyncIterator[DeliveryFacts]:
        """It and its attempts, in one go."""
        delivery = Delivery.read(await client.delivery(self.id))
        yield DeliveryFacts(delivery, Attempt.read_all(await client.delivery_status(self.id)))


@dataclass
class DeadLetters:
    """The dead letters of the chosen reason, and how many there are of each."""

    entries: list[DeadLetter]
    total: int
    reasons: list[Reason]


class DeadLetterQueue:
    """The dead-letter queue, narrowed to a reason and a channel where one is chosen."""

    topics: tuple[str, ...] = ("delivery.failed", "delivery.queued")
    interval: float = 10.0

    def __init__(self) -> None:
        self.chosen: Reason | None = None

    async def load(self, client: AdminClient) -> AsyncIterator[DeadLetters]:
        """The newest `DEAD_MAX`."""
        chosen, found, cursor = self.chosen, list[DeadLetter](), ""
        reason, channel = (chosen.reason, chosen.channel) if chosen else ("", "")
        while True:
            answer = await client.dead_letters(cursor, reason, channel)
            if chosen is not self.chosen:
                return
            found += map(DeadLetter.read, rows(answer, "entries"))
            following = text(answer, "next_cursor")
            if not following or following == cursor or len(found) >= DEAD_MAX:
                yield DeadLetters(found[:DEAD_MAX], whole(answer, "total"), Reason.read_all(answer))
                return
            cursor = following


@dataclass(frozen=True)
class AllProviders:
    """Every provider, with whether its channel is paused."""

    topics: tuple[str, ...] = ("provider.", "delivery.")
    interval: float = 5.0

    async def load(self, client: AdminClient) -> AsyncIterator[Snapshot[Provider]]:
        """All of them, in one go."""
        paused = Queues.read(await client.queues()).paused
        found = [_provider(row, paused) for row in rows(await client.providers(), "providers")]
        yield Snapshot(found, len(found))


def _provider(row: Json, paused: frozenset[str]) -> Provider:
    return Provider.read(row, paused=queue_of(text(row, "channel")) in paused)
