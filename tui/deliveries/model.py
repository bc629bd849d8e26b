"""What the server says of deliveries, as values. No I/O; every reader takes any JSON and never raises on its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tui.model import Json, Ownerless, UserKey, moment, number, rows, text, whole

STATUSES = ("scheduled", "queued", "processing", "retrying", "sent", "failed", "cancelled", "expired")
CANCELLABLE = ("scheduled", "queued", "retrying")
RETRYABLE = ("scheduled", "retrying", "failed")
_NOTHING: Json = {}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification on its way through a provider; times in unix seconds."""

    id: str
    channel: str
    recipient: str
    content: str
    priority: str
    status: str
    retries: int
    max_retries: int
    provider: str
    error: str
    user_id: str
    created_at: float | None
    updated_at: float | None
    next_retry_at: float | None
    raw: Json

    @classmethod
    def read(cls, row: Json) -> Delivery:
        """From a row of `GET notifications`, or from one notification."""
        return cls(
            text(row, "id"),
            text(row, "channel"),
            text(row, "recipient"),
            text(row, "content"),
            text(row, "priority"),
            text(row, "status"),
            whole(row, "retry_count"),
            whole(row, "max_retries"),
            text(row, "provider"),
            text(row, "error"),
            text(row, "user_id"),
            moment(row.get("created_at")),
            moment(row.get("updated_at")),
            moment(row.get("next_retry_at")),
            row,
        )

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return self.id

    @property
    def owner(self) -> UserKey | None:
        """The inbox user whom `user_id`, or the recipient of an in-app delivery, names."""
        return UserKey.parse(self.user_id or (self.recipient if self.channel == "inapp" else ""))

    @property
    def to(self) -> str:
        """Where it goes: the address, else the user whose devices decide."""
        return self.recipient or self.user_id

    @property
    def said(self) -> str:
        """What went wrong, else what it says."""
        return self.error or self.content

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        where = f"{self.recipient} {self.user_id} {self.provider}"
        return f"{self.channel} {self.status} {self.priority} {where} {self.error} {self.content} {self.id}".lower()


@dataclass(frozen=True, slots=True)
class Attempt(Ownerless):
    """One try to send; latency in milliseconds."""

    number: int
    at: float | None
    provider: str
    outcome: str
    error: str
    latency: float | None
    raw: Json

    @classmethod
    def read_all(cls, answer: Json) -> list[Attempt]:
        """From `GET notifications/{id}/status`, counted from 1."""
        return [
            cls(
                place,
                moment(row.get("at")),
                text(row, "provider"),
                text(row, "outcome"),
                text(row, "error"),
                number(row.get("latency_ms")),
                row,
            )
            for place, row in enumerate(rows(answer, "attempts"), 1)
        ]

    @property
    def identity(self) -> str:
        """What `y` copies: why it failed, else who tried."""
        return self.error or self.provider

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.provider} {self.outcome} {self.error}".lower()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery given up, or a message that could not be read; `failed_at` in unix seconds."""

    id: str
    channel: str
    recipient: str
    reason: str
    error: str
    attempts: int
    failed_at: float | None
    raw: Json

    @classmethod
    def read(cls, row: Json) -> DeadLetter:
        """From a row of `GET dlq`."""
        found = row.get("attempts")
        return cls(
            text(row, "id"),
            text(row, "channel"),
            text(row, "recipient"),
            text(row, "reason"),
            text(row, "error"),
            len(found) if isinstance(found, list) else whole(row, "attempts"),
            moment(row.get("failed_at")),
            row,
        )

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return self.id

    @property
    def owner(self) -> UserKey | None:
        """The user where the delivery names one."""
        return UserKey.parse(text(self.raw, "user_id"))

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.channel} {self.recipient} {self.reason} {self.error} {self.id}".lower()


@dataclass(frozen=True, slots=True)
class Reason(Ownerless):
    """How many dead letters of one channel there are for one reason."""

    reason: str
    channel: str
    count: int
    raw: Json

    @classmethod
    def read_all(cls, answer: Json) -> list[Reason]:
        """From `GET dlq`."""
        return [
            cls(text(row, "reason"), text(row, "channel"), whole(row, "count"), row) for row in rows(answer, "reasons")
        ]

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return self.reason

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.reason} {self.channel}".lower()


@dataclass(frozen=True, slots=True)
class Provider(Ownerless):
    """An outside service with its breaker; latencies in milliseconds, `open_until` in unix seconds."""

    name: str
    channel: str
    state: str
    failures: int
    open_until: float | None
    sent: int
    failed: int
    rate: float | None
    latency: tuple[float | None, float | None, float | None]
    paused: bool
    raw: Json

    @classmethod
    def read(cls, row: Json, paused: frozenset[str] = frozenset()) -> Provider:
        """From a row of `GET providers`; `paused` are the channels that are."""
        found = row.get("latency_ms")
        latency = found if isinstance(found, Mapping) else _NOTHING
        channel = text(row, "channel")
        return cls(
            text(row, "name"),
            channel,
            text(row, "state"),
            whole(row, "failures"),
            moment(row.get("open_until")),
            whole(row, "sent"),
            whole(row, "failed"),
            number(row.get("rate_per_s")),
            (number(latency.get("p50")), number(latency.get("p95")), number(latency.get("p99"))),
            channel.partition(":")[0] in paused,
            row,
        )

    @property
    def queue(self) -> str:
        """The channel whose queue it serves; that of `push:ios` is `push`."""
        return self.channel.partition(":")[0]

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return self.name

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.name} {self.channel} {self.state} {'paused' if self.paused else ''}".lower()


@dataclass(frozen=True, slots=True)
class Queue(Ownerless):
    """What waits for one channel, by priority, and what is being sent; `oldest` in seconds."""

    channel: str
    paused: bool
    high: int
    normal: int
    low: int
    processing: int
    workers: int
    oldest: float | None
    raw: Json

    @classmethod
    def read(cls, row: Json) -> Queue:
        """From a row of `GET queues`."""
        return cls(
            text(row, "channel"),
            row.get("paused") is True,
            whole(row, "high"),
            whole(row, "normal"),
            whole(row, "low"),
            whole(row, "processing"),
            whole(row, "workers"),
            number(row.get("oldest_age_s")),
            row,
        )

    @property
    def waiting(self) -> int:
        """Of every priority."""
        return self.high + self.normal + self.low

    @property
    def identity(self) -> str:
        """What `y` copies."""
        return self.channel

    @property
    def haystack(self) -> str:
        """What a filter searches, in lower case."""
        return f"{self.channel} {'paused' if self.paused else ''}".lower()


@dataclass(frozen=True, slots=True)
class Queues:
    """One answer of `GET queues`."""

    queues: list[Queue]
    scheduled: int
    dead: int

    @classmethod
    def read(cls, answer: Json) -> Queues:
        """From its JSON."""
        found = [Queue.read(row) for row in rows(answer, "queues")]
        return cls(found, whole(answer, "scheduled"), whole(answer, "dlq_size"))

    @property
    def paused(self) -> frozenset[str]:
        """The channels that are paused."""
        return frozenset(queue.channel for queue in self.queues if queue.paused)

    def of(self, channel: str) -> Queue | None:
        """That of a channel."""
        return next((queue for queue in self.queues if queue.channel == channel), None)
