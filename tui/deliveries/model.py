"""Deliveries, dead letters, providers and queues as the admin API answers them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from tui.model import Ownerless, UserKey
from tui.record import Flag, Json, Moment, Raw, Read, Text, Whole, number, number_in, rows, text, whole

STATUSES = ("scheduled", "queued", "processing", "retrying", "sent", "failed", "cancelled", "expired")
CANCELLABLE = ("scheduled", "queued", "retrying")
RETRYABLE = ("scheduled", "retrying", "failed")
# Reasons to wait that are no hindrance: its own time, its turn, the pause between two tries.
CALM = ("", "not_due", "quiet_hours", "digest_open", "in_queue", "backoff")
_NOTHING: Json = {}


@dataclass(frozen=True, slots=True)
class Delivery(Read):
    """One notification on its way through a provider, as the API answers it; times in unix seconds."""

    id: Text
    channel: Text
    recipient: Text
    content: Text
    priority: Text
    status: Text
    retries: Annotated[int, whole, "retry_count"]
    max_retries: Whole
    provider: Text
    error: Text
    user_id: Text
    created_at: Moment
    updated_at: Moment
    next_retry_at: Moment
    waiting_for: Text
    since: Moment
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.id

    @property
    def owner(self) -> UserKey | None:
        """The inbox user whom `user_id`, or the recipient of an in-app delivery, names."""
        return UserKey.parse(self.user_id or (self.recipient if self.channel == "inapp" else ""))

    @property
    def held(self) -> bool:
        """True where something holds it back, such as an open circuit; not where it waits for its own time."""
        return self.waiting_for not in CALM

    @property
    def to(self) -> str:
        """Where it goes: the address, else the user whose devices decide."""
        return self.recipient or self.user_id

    @property
    def said(self) -> str:
        """The error, else the text."""
        return self.error or self.content

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        where = f"{self.recipient} {self.user_id} {self.provider}"
        return f"{self.channel} {self.status} {self.priority} {where} {self.error} {self.content} {self.id}".lower()


@dataclass(frozen=True, slots=True)
class Attempt(Ownerless, Read):
    """One try to send; latency in milliseconds; the `number` is given."""

    number: Whole
    at: Moment
    provider: Text
    outcome: Text
    error: Text
    latency: Annotated[float | None, number_in, "latency_ms"]
    raw: Raw

    @classmethod
    def read_all(cls, answer: Json) -> list[Attempt]:
        """The attempts of `GET notifications/{id}/status`, counted from 1."""
        return [cls.read(row, number=place) for place, row in enumerate(rows(answer, "attempts"), 1)]

    @property
    def identity(self) -> str:
        """The text that `y` copies: the error, else the provider."""
        return self.error or self.provider

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.provider} {self.outcome} {self.error}".lower()


def _attempts(row: Json, name: str) -> int:
    found = row.get(name)
    return len(found) if isinstance(found, list) else whole(row, name)


@dataclass(frozen=True, slots=True)
class DeadLetter(Read):
    """A delivery given up, or a message that could not be read, as a row of `GET dlq`; `failed_at` in unix seconds."""

    id: Text
    channel: Text
    recipient: Text
    reason: Text
    error: Text
    attempts: Annotated[int, _attempts]
    failed_at: Moment
    raw: Raw

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.id

    @property
    def owner(self) -> UserKey | None:
        """The user where the delivery names one."""
        return UserKey.parse(text(self.raw, "user_id"))

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.channel} {self.recipient} {self.reason} {self.error} {self.id}".lower()


@dataclass(frozen=True, slots=True)
class Reason(Ownerless, Read):
    """The number of dead letters of one channel for one reason."""

    reason: Text
    channel: Text
    count: Whole
    raw: Raw

    @classmethod
    def read_all(cls, answer: Json) -> list[Reason]:
        """The reasons of `GET dlq`."""
        return [cls.read(row) for row in rows(answer, "reasons")]

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.reason

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.reason} {self.channel}".lower()


class Latency(NamedTuple):
    """Three quantiles, in milliseconds; None where nothing was sent lately."""

    p50: float | None
    p95: float | None
    p99: float | None


def _latency(row: Json, name: str) -> Latency:
    found = row.get(name)
    latency = found if isinstance(found, Mapping) else _NOTHING
    return Latency(*(number(latency.get(quantile)) for quantile in Latency._fields))


def queue_of(channel: str) -> str:
    """The channel whose queue a provider's channel is served from; that of `push:ios` is `push`."""
    return channel.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Provider(Ownerless, Read):
    """An outside service with its circuit, as a row of `GET providers`; latencies in milliseconds, `open_until` in unix
    seconds. Whether its channel is `paused` is given: `GET queues` says so."""

    name: Text
    channel: Text
    state: Text
    failures: Whole
    open_until: Moment
    sent: Whole
    failed: Whole
    rate: Annotated[float | None, number_in, "rate_per_s"]
    latency: Annotated[Latency, _latency, "latency_ms"]
    paused: Flag
    raw: Raw

    @property
    def queue(self) -> str:
        """The channel whose queue it serves."""
        return queue_of(self.channel)

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.name

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.name} {self.channel} {self.state} {'paused' if self.paused else ''}".lower()


@dataclass(frozen=True, slots=True)
class Queue(Ownerless, Read):
    """Deliveries that wait for one channel, by priority, and those being sent; `oldest` in seconds."""

    channel: Text
    paused: Flag
    high: Whole
    normal: Whole
    low: Whole
    processing: Whole
    workers: Whole
    oldest: Annotated[float | None, number_in, "oldest_age_s"]
    raw: Raw

    @property
    def waiting(self) -> int:
        """Of every priority."""
        return self.high + self.normal + self.low

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return self.channel

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.channel} {'paused' if self.paused else ''}".lower()


def _queues(row: Json, name: str) -> list[Queue]:
    return [Queue.read(each) for each in rows(row, name)]


@dataclass(frozen=True, slots=True)
class Queues(Read):
    """One answer of `GET queues`."""

    queues: Annotated[list[Queue], _queues]
    scheduled: Whole
    dead: Annotated[int, whole, "dlq_size"]

    @property
    def paused(self) -> frozenset[str]:
        """The channels that are paused."""
        return frozenset(queue.channel for queue in self.queues if queue.paused)

    def of(self, channel: str) -> Queue | None:
        """That of a channel."""
        return next((queue for queue in self.queues if queue.channel == channel), None)
