"""Operations on deliveries, dead letters and channels, each with its question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tui import humanise
from tui.client import AdminClient, ApiError, Failure
from tui.deliveries.model import CANCELLABLE, RETRYABLE, DeadLetter, Delivery, Queues, Reason
from tui.humanise import plural
from tui.record import rows, text, whole

DROP_MAX = 1_000  # dead letters dropped at a time: each is a request
REQUEUE_MAX = 1_000  # dead letters requeued by their ids at a time: each is a request
_TO_MAX = 60  # characters of an address in a question


@dataclass(frozen=True)
class CancelDelivery:
    """Cancels what no worker has taken yet."""

    id: str

    async def question(self, client: AdminClient) -> str | None:
        """Names it as it is now; raises `ApiError` where it can no longer be cancelled."""
        row = Delivery.read(await client.delivery(self.id))
        _must_be(row, CANCELLABLE, "cancelled")
        return f"Cancel 1 delivery, {_named(row)}, {row.status} now? It will not be sent."

    async def perform(self, client: AdminClient) -> str:
        """Cancels it."""
        await client.cancel(self.id)
        return f"Cancelled 1 delivery, {_short(self.id)}"


@dataclass(frozen=True)
class RetryDelivery:
    """Sends at once what waits for its time or has failed."""

    id: str

    async def question(self, client: AdminClient) -> str | None:
        """Names it as it is now; raises `ApiError` where there is nothing to retry."""
        row = Delivery.read(await client.delivery(self.id))
        _must_be(row, RETRYABLE, "retried")
        return f"Retry 1 delivery, {_named(row)}, {row.status} now? It is queued at once."

    async def perform(self, client: AdminClient) -> str:
        """Queues it."""
        await client.retry(self.id)
        return f"Queued 1 delivery, {_short(self.id)}"


@dataclass(frozen=True)
class RequeueOne:
    """Takes one dead letter back into its queue."""

    letter: DeadLetter

    async def question(self, client: AdminClient) -> str | None:
        """Names it; raises `ApiError` where it never was a delivery."""
        _must_have_been(self.letter.channel)
        return f"Requeue 1 dead letter, {_lettered(self.letter)}? It is tried again from the start."

    async def perform(self, client: AdminClient) -> str:
        """Requeues it."""
        await client.requeue(self.letter.id)
        return f"Requeued 1 dead letter, {_short(self.letter.id)}"


@dataclass(frozen=True)
class RequeueMany:
    """Takes every dead letter of one reason and channel back, or all of them where none is named."""

    reason: Reason | None

    async def question(self, client: AdminClient) -> str | None:
        """Names the group and how many the server would requeue, by a dry run."""
        if self.reason is not None:
            _must_have_been(self.reason.channel)
        many = await client.requeue_many(*self._filter, dry_run=True)
        return f"Requeue {plural(many, 'dead letter')}{_of(self.reason)}? They are tried again." if many else None

    async def perform(self, client: AdminClient) -> str:
        """Requeues them; those that came meanwhile too."""
        many = await client.requeue_many(*self._filter, dry_run=False)
        return f"Requeued {plural(many, 'dead letter')}"

    @property
    def _filter(self) -> tuple[str, str]:
        return (self.reason.reason, self.reason.channel) if self.reason else ("", "")


class RequeueShown:
    """Takes back the dead letters that a filter shows, each by its id; of very many the first `REQUEUE_MAX`."""

    def __init__(self, letters: Sequence[DeadLetter], reason: Reason | None, needle: str) -> None:
        """`letters` are the rows shown, found by `needle` among those of `reason`."""
        self._letters = [row for row in letters if row.channel]
        self._unreadable = len(letters) - len(self._letters)
        self._reason = reason
        self._needle = needle
        self._ids: list[str] = []

    async def question(self, client: AdminClient) -> str | None:
        """Counts those that the server still has; of none that it has there is nothing to do."""
        there = await self._there(client)
        found = [row.id for row in self._letters if row.id in there]
        self._ids = found[:REQUEUE_MAX]
        left = len(found) - len(self._ids)
        more = f" (the first; {left:,} more stay)" if left else ""
        more += f" ({self._unreadable:,} that could not be read stay)" if self._unreadable else ""
        many = plural(len(self._ids), "dead letter")
        return f"Requeue {many} that match {self._needle[:_TO_MAX]}{more}? They are tried again." if self._ids else None

    async def perform(self, client: AdminClient) -> str:
        """Requeues them one by one; one that has gone meanwhile is no failure."""
        done = await _each(self._ids, client.requeue, "requeued")
        return f"Requeued {plural(done, 'dead letter')}"

    async def _there(self, client: AdminClient) -> set[str]:
        """The ids among the letters that the server still has: a dry run of as many requests as it has pages."""
        wanted = {row.id for row in self._letters}
        reason, channel = (self._reason.reason, self._reason.channel) if self._reason else ("", "")
        there: set[str] = set()
        cursor = ""
        while len(there) < len(wanted):
            answer = await client.dead_letters(cursor, reason, channel, limit=DROP_MAX)
            there |= wanted & {text(row, "id") for row in rows(answer, "entries")}
            following = text(answer, "next_cursor")
            if not following or following == cursor:
                break
            cursor = following
        return there


@dataclass(frozen=True)
class DropOne:
    """Drops one dead letter for good."""

    letter: DeadLetter

    async def question(self, client: AdminClient) -> str | None:
        """Names it."""
        return f"Drop 1 dead letter, {_lettered(self.letter)}? It cannot be requeued any more."

    async def perform(self, client: AdminClient) -> str:
        """Drops it."""
        await client.drop(self.letter.id)
        return f"Dropped 1 dead letter, {_short(self.letter.id)}"


class DropMany:
    """Drops the dead letters of one reason and channel that are there when the question is asked."""

    def __init__(self, reason: Reason) -> None:
        self._reason = reason
        self._ids: list[str] = []

    async def question(self, client: AdminClient) -> str | None:
        """Names the group and how many there are now; of very many the newest `DROP_MAX`."""
        answer = await client.dead_letters("", self._reason.reason, self._reason.channel, limit=DROP_MAX)
        found = [row for row in rows(answer, "entries") if text(row, "channel") == self._reason.channel]
        self._ids = [text(row, "id") for row in found]
        left = whole(answer, "total") - len(self._ids)
        newest = f" (the newest; {left:,} more stay)" if text(answer, "next_cursor") and left > 0 else ""
        many = plural(len(self._ids), "dead letter")
        return f"Drop {many}{_of(self._reason)}{newest}? They cannot be requeued any more." if self._ids else None

    async def perform(self, client: AdminClient) -> str:
        """Drops them one by one; one that has gone meanwhile is no failure."""
        done = await _each(self._ids, client.drop, "dropped")
        return f"Dropped {plural(done, 'dead letter')}"


class HoldChannel:
    """Pauses a channel, or lets a paused one go on."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._pause = True

    async def question(self, client: AdminClient) -> str | None:
        """Names the channel and how many deliveries wait in it now."""
        queue = Queues.read(await client.queues()).of(self._channel)
        waiting = plural(queue.waiting, "delivery", "deliveries") if queue else "an unknown number of deliveries"
        self._pause = not (queue and queue.paused)
        if self._pause:
            return (
                f"Pause the channel {self._channel}? {_capital(waiting)} wait now; nothing is sent until it is resumed."
            )
        return f"Resume the channel {self._channel}? {_capital(waiting)} will be sent."

    async def perform(self, client: AdminClient) -> str:
        """Pauses or resumes it."""
        paused = await client.hold(self._channel, self._pause)
        return f"The channel {self._channel} is paused" if paused else f"The channel {self._channel} goes on"


async def _each(ids: Sequence[str], act: Callable[[str], Awaitable[None]], done: str) -> int:
    """Does it to each; the number done. One that has gone meanwhile is no failure."""
    many = 0
    for identity in ids:
        try:
            await act(identity)
        except ApiError as error:
            if error.failure is not Failure.NOT_FOUND:
                raise ApiError(error.failure, f"{plural(many, 'dead letter')} {done}, then: {error}") from error
        else:
            many += 1
    return many


def _must_be(row: Delivery, statuses: tuple[str, ...], done: str) -> None:
    if row.status not in statuses:
        raise ApiError(Failure.REJECTED, f"it is {row.status}, and only {_listed(statuses)} deliveries can be {done}")


def _must_have_been(channel: str) -> None:
    if not channel:
        raise ApiError(Failure.REJECTED, "what could not be read never was a delivery; it can only be dropped")


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _named(row: Delivery) -> str:
    return f"{row.channel} to {row.to[:_TO_MAX] or humanise.NONE}"


def _lettered(row: DeadLetter) -> str:
    to = f"{row.channel} to {row.recipient[:_TO_MAX] or humanise.NONE}" if row.channel else _short(row.id)
    return f"{to}, {row.reason[:_TO_MAX]}"


def _of(reason: Reason | None) -> str:
    if reason is None:
        return " of every reason"
    return f" of {reason.channel or 'no channel'} with the reason {reason.reason[:_TO_MAX]}"


def _short(identity: str) -> str:
    return identity[:8]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
