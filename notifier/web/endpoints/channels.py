"""`/api/v1/admin/channels`, `providers` and `queues`: channels held and let go, their providers, their queues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from notifier.domain.channels import CHANNELS
from notifier.domain.fields import Channel
from notifier.domain.status import Status
from notifier.errors import ErrorCode, NotifierError
from notifier.service.deliveries import DeliveryService
from notifier.web.endpoints.fields import ID, OPERATORS, UNKNOWN_DELIVERY, Count, DeliveryId, Time, Uuid
from notifier.web.http.audit import audit
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, get, post

PREFIX = "/api/v1/admin"

ChannelName = Annotated[str, Meta(examples=["sms"])]
ProviderRows = Callable[[], Awaitable[list[dict[str, Any]]]]
SlotCounts = Callable[[], Awaitable[dict[str, int]]]


class ChannelState(Struct):
    """A channel, and its state: paused or not."""

    channel: Channel
    paused: bool


class ProviderLatency(Struct):
    """Latency of the last sends, in milliseconds; null before the first."""

    p50: float | None
    p95: float | None
    p99: float | None


class HostCircuit(Struct):
    """A host of recipients that are called themselves, and its circuit, which is not closed."""

    host: str
    state: Literal["open", "half_open"]
    failures: Count
    open_until: Time


class Provider(Struct, kw_only=True):
    """A provider, summed over the instances."""

    name: str
    channel: str
    state: Literal["closed", "open", "half_open"]
    failures: Annotated[int, Meta(ge=0, description="Retryable failures in a row.")]
    open_until: Time | None
    hosts: Annotated[
        list[HostCircuit],
        Meta(
            description="Recipients' hosts whose circuits are not closed, at most 50; none where one service takes all."
        ),
    ]
    hosts_open: Annotated[int, Meta(ge=0, description="How many such hosts there are.")]
    sent: Count
    failed: Count
    rate_per_s: float
    latency_ms: ProviderLatency


class ProviderList(Struct):
    """Every provider."""

    providers: list[Provider]


class Queue(Struct, kw_only=True):
    """A channel's queue."""

    channel: Channel
    paused: bool
    high: Count
    normal: Count
    low: Count
    processing: Count
    workers: Annotated[int, Meta(ge=0, description="How many can be sent at once, over all instances.")]
    oldest_age_s: float | None


class QueueList(Struct):
    """Deliveries that wait, by channel."""

    queues: list[Queue]
    scheduled: Count
    dlq_size: Count


class ChannelRow(Struct, kw_only=True):
    """A channel at a glance, over all instances."""

    channel: Channel
    paused: bool
    waiting: Annotated[int, Meta(ge=0, description="In its queue.")]
    held: Annotated[int, Meta(ge=0, description="Held back untried; of a paused channel, all that waits.")]
    held_reason: Literal["circuit_open", "rate_limited", "channel_paused"] | None
    retrying: Annotated[int, Meta(ge=0, description="Tried, and waiting for the next try.")]
    scheduled: Annotated[int, Meta(ge=0, description="Not due yet.")]
    processing: Count
    per_second_out: Annotated[float, Meta(ge=0, description="Sent a second, over the last ten.")]
    ok_ratio: Annotated[float | None, Meta(description="Share of the last minute's tries that were taken.")]
    p95_ms: Annotated[float | None, Meta(description="95th percentile of the last tries.")]
    dead_last_hour: Count
    circuit: Annotated[Literal["closed", "open", "half_open"], Meta(description="The worst of its providers'.")]


class ChannelList(Struct):
    """Every channel."""

    channels: list[ChannelRow]


class RetriedDelivery(Struct):
    """The delivery that is tried again."""

    id: Uuid
    status: Status


_NO_CHANNEL = NotifierError(ErrorCode.NOT_FOUND, f"there is no such channel; there are {', '.join(CHANNELS)}")
_PROVIDER = Provider(
    name="simulator",
    channel="sms",
    state="closed",
    failures=0,
    open_until=None,
    hosts=[],
    hosts_open=0,
    sent=3,
    failed=0,
    rate_per_s=0.1,
    latency_ms=ProviderLatency(50.1, 52.0, 52.3),
)
_CHANNEL = ChannelRow(
    channel="push",
    paused=False,
    waiting=3,
    held=218,
    held_reason="circuit_open",
    retrying=4,
    scheduled=1,
    processing=2,
    per_second_out=0.4,
    ok_ratio=0.92,
    p95_ms=180.0,
    dead_last_hour=6,
    circuit="open",
)
_QUEUE = Queue(channel="sms", paused=False, high=0, normal=1, low=0, processing=1, workers=5, oldest_age_s=0.3)


class ChannelEndpoints(Endpoints):
    """The routes of channels."""

    tag, access = OPERATORS, ADMIN

    def __init__(
        self,
        service: DeliveryService,
        providers: ProviderRows,
        slots: SlotCounts,
        now: Callable[[], float],
        table: ProviderRows,
    ) -> None:
        """`providers` answers the rows of all instances' providers, `slots` the sends at once of each channel, `now`
        the store's time in Unix seconds, `table` the fields of every `ChannelRow`."""
        self._table = table
        self._now = now
        self._service = service
        self._providers = providers
        self._slots = slots

    @post(
        f"{PREFIX}/notifications/{{delivery_id}}/retry",
        "Try a delivery at once that waits for its time, or has failed",
        answers=(Answer(status=202, example=RetriedDelivery(ID, Status.QUEUED)),),
        failures=(UNKNOWN_DELIVERY, NotifierError(ErrorCode.CONFLICT, "this one is sent and cannot be retried")),
    )
    async def retry_delivery(self, call: Call, delivery_id: DeliveryId) -> RetriedDelivery:
        await self._service.retry(delivery_id)
        audit(call, "retry", delivery_id, delivery_id=delivery_id)
        return RetriedDelivery(delivery_id, Status.QUEUED)

    @post(
        f"{PREFIX}/channels/{{channel}}/pause",
        "Hold a channel's queue",
        answers=(Answer(example=ChannelState("sms", True)),),
        failures=(_NO_CHANNEL,),
    )
    async def pause_channel(self, call: Call, channel: ChannelName) -> ChannelState:
        return await self._hold(call, channel, True)

    @post(
        f"{PREFIX}/channels/{{channel}}/resume",
        "Let a channel's queue go on",
        answers=(Answer(example=ChannelState("sms", False)),),
        failures=(_NO_CHANNEL,),
    )
    async def resume_channel(self, call: Call, channel: ChannelName) -> ChannelState:
        return await self._hold(call, channel, False)

    async def _hold(self, call: Call, channel: str, paused: bool) -> ChannelState:
        await self._service.pause(channel, paused)
        audit(call, "pause" if paused else "resume", channel)
        return ChannelState(channel, paused)

    @get(f"{PREFIX}/channels", "Show every channel at a glance", answers=(Answer(example=ChannelList([_CHANNEL])),))
    async def list_channels(self, call: Call) -> ChannelList:
        return ChannelList(msgspec.convert(await self._table(), list[ChannelRow]))

    @get(f"{PREFIX}/providers", "Show how the providers stand", answers=(Answer(example=ProviderList([_PROVIDER])),))
    async def list_providers(self, call: Call) -> ProviderList:
        return ProviderList(msgspec.convert(await self._providers(), list[Provider]))

    @get(f"{PREFIX}/queues", "Show what waits", answers=(Answer(example=QueueList([_QUEUE], 0, 1)),))
    async def list_queues(self, call: Call) -> QueueList:
        found, slots, now = await self._service.queues(), await self._slots(), self._now()
        rows = [
            Queue(
                channel=queue.channel,
                paused=queue.paused,
                **queue.waiting,
                processing=queue.leased,
                workers=slots.get(queue.channel, 0),
                oldest_age_s=None if queue.oldest is None else round(max(0.0, now - queue.oldest / 1000), 1),
            )
            for queue in found.channels
        ]
        return QueueList(rows, found.scheduled, found.dead)
