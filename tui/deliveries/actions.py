"""Operations on deliveries, dead letters and channels, each with its question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tui import humanise
from tui.client import AdminClient, ApiError, Failure
from tui.deliveries.columns import HELD_BY
from tui.deliveries.model import CANCELLABLE, RETRYABLE, DeadLetter, Delivery, Queues, Reason
from tui.humanise import plural
from tui.record import Json, rows, text

MANY_MAX = 1_000  # dead letters that the server takes by their ids at a time
_TO_MAX = 60  # characters of an address in a question


@dataclass(frozen=True)
class CancelDelivery:
    """Cancels what no worker has taken yet."""

    id: str

    async def question(self, client: AdminClient) -> str | None:
        """Names it as it is now; raises `ApiError` where it can no longer be cancelled."""
        row = Delivery.read(await client.delivery(self.id))
        _must_be(row, CANCELLABLE, "cancelled")
        return f"Cancel 1 delivery, {_named(row)}, {_standing(row)} now? It will not be sent."

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
        return f"Retry 1 delivery, {_named(row)}, {_standing(row)} now? It is queued at once."

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


class _Many:
    """Dead letters counted by the server in a dry run; what is done is done to those alone. Letters that come meanwhile
    stay, and where the number is another by then nothing is done."""

    def __init__(self, act: Callable[[AdminClient, Json], Awaitable[tuple[int, str]]], which: Json) -> None:
        """`which` is a filter or ids."""
        self._act = act
        self._which = which

    async def count(self, client: AdminClient) -> int:
        """The number that the server finds now."""
        many, before = await self._act(client, {**self._which, "dry_run": True})
        self._which = {**self._which, "before": before, "expected": many}
        return many

    async def perform(self, client: AdminClient) -> int:
        """Does it; the number done."""
        return (await self._act(client, self._which))[0]


class RequeueMany:
    """Takes every dead letter of one reason and channel back, or all of them where none is named."""

    def __init__(self, reason: Reason | None) -> None:
        self._reason = reason
        self._many = _Many(AdminClient.requeue_many, {"filter": _filter(reason)})

    async def question(self, client: AdminClient) -> str | None:
        """Names the group and how many the server found in it."""
        if self._reason is not None:
            _must_have_been(self._reason.channel)
        many = await self._many.count(client)
        return f"Requeue {plural(many, 'dead letter')}{_of(self._reason)}? {_tried(many)}" if many else None

    async def perform(self, client: AdminClient) -> str:
        """Requeues those that were counted."""
        return f"Requeued {plural(await self._many.perform(client), 'dead letter')}"


class RequeueShown:
    """Takes back the dead letters that a filter shows, by their ids; of very many the first `MANY_MAX`."""

    def __init__(self, letters: Sequence[DeadLetter], needle: str) -> None:
        """`letters` are the rows shown, found by `needle`."""
        ids = [row.id for row in letters if row.channel]
        self._unreadable = len(letters) - len(ids)
        self._left = max(0, len(ids) - MANY_MAX)
        self._needle = needle
        self._many = _Many(AdminClient.requeue_many, {"ids": ids[:MANY_MAX]}) if ids else None

    async def question(self, client: AdminClient) -> str | None:
        """Says how many of them the server still has; of none that it has there is nothing to do."""
        many = await self._many.count(client) if self._many else 0
        more = f" (the first; {self._left:,} more stay)" if self._left else ""
        more += f" ({self._unreadable:,} that could not be read stay)" if self._unreadable else ""
        matching = f"{plural(many, 'dead letter')} that {'matches' if many == 1 else 'match'} {self._needle[:_TO_MAX]}"
        return f"Requeue {matching}{more}? {_tried(many)}" if many else None

    async def perform(self, client: AdminClient) -> str:
        """Requeues those that were counted."""
        done = await self._many.perform(client) if self._many else 0
        return f"Requeued {plural(done, 'dead letter')}"


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
    """Drops every dead letter of one reason and channel."""

    def __init__(self, reason: Reason) -> None:
        self._reason = reason
        self._many = _Many(AdminClient.drop_many, {"filter": _filter(reason)})

    async def question(self, client: AdminClient) -> str | None:
        """Names the group and how many the server found in it."""
        if not self._reason.channel:
            self._many = _Many(AdminClient.drop_many, {"ids": await self._unreadable(client)})
        many = await self._many.count(client)
        stays = "It" if many == 1 else "They"
        said = f"Drop {plural(many, 'dead letter')}{_of(self._reason)}? {stays} cannot be requeued any more."
        return said if many else None

    async def perform(self, client: AdminClient) -> str:
        """Drops those that were counted."""
        return f"Dropped {plural(await self._many.perform(client), 'dead letter')}"

    async def _unreadable(self, client: AdminClient) -> list[str]:
        """The newest `MANY_MAX` of no channel: to a filter no channel is any."""
        answer = await client.dead_letters("", self._reason.reason, limit=MANY_MAX)
        return [text(row, "id") for row in rows(answer, "entries") if not text(row, "channel")]


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


def _filter(reason: Reason | None) -> Json:
    wanted = {"reason": reason.reason, "channel": reason.channel} if reason else {}
    return {name: value for name, value in wanted.items() if value}


def _tried(many: int) -> str:
    return "It is tried again." if many == 1 else "They are tried again."


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


def _standing(row: Delivery) -> str:
    """The status; of one that is held, what holds it."""
    return f"held ({HELD_BY.get(row.waiting_for, row.waiting_for)})" if row.held else row.status


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
