"""The parts of deliveries: built by `pod/parts.py`, started and stopped by `pod/app.py`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Any, NamedTuple

from notifier.config import Settings
from notifier.delivery.attempt import Attempts
from notifier.delivery.breakers import Breakers
from notifier.delivery.engine import Engine
from notifier.delivery.guarded import Guarded
from notifier.delivery.inapp import Inapp
from notifier.delivery.recorder import Recorder
from notifier.delivery.routes import Routes, urls_of
from notifier.delivery.shares import Shares
from notifier.domain.channels import CHANNELS
from notifier.domain.inbox_requests import BroadcastRequest
from notifier.domain.reading import read_body
from notifier.domain.status import Status
from notifier.domain.times import format_time
from notifier.domain.users import User
from notifier.duties.circuit_watch import CircuitWatch
from notifier.duties.duty import Duty
from notifier.duties.forgetter import Forgetter
from notifier.duties.queue_watch import QueueWatch
from notifier.duties.reclaimer import Reclaimer
from notifier.duties.scheduler import Scheduler
from notifier.pod.observer import Observer
from notifier.pod.policies import accept_policy, breaker_policy, lease_terms, provider_urls, retry_policy, slots_of
from notifier.pod.providers import ProviderFigures
from notifier.providers.base import Message, SetupError
from notifier.providers.registry import build_provider
from notifier.providers.tools import Tools
from notifier.service.accept import AcceptService
from notifier.service.dead_letters import DeadLetterService
from notifier.service.deliveries import DeliveryService
from notifier.service.once import Once
from notifier.service.publish import Publisher
from notifier.store.circuits import Circuits
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import Change, Queues
from notifier.store.limits import Limits
from notifier.store.redis.client import Redis
from notifier.store.reports import Reports
from notifier.store.sessions import Sessions
from notifier.telemetry.metrics import Metrics


class House(NamedTuple):
    """The parts of an instance that the pipeline uses."""

    redis: Redis
    metrics: Metrics
    observer: Observer
    publisher: Publisher
    reports: Reports
    limits: Limits
    once: Once
    pod: str


class Pipeline:
    """The deliveries of one instance. Without the role `delivery` it accepts and shows them, and sends none."""

    def __init__(self, settings: Settings, house: House) -> None:
        self._house = house
        self.deliveries = Deliveries(house.redis)
        self.sessions = Sessions(house.redis, settings.session_ttl)
        self.service = DeliveryService(self.deliveries, self._on_changes, house.observer.paused)
        self.dead_letters = DeadLetterService(self.deliveries, self._on_changes, house.redis.clock.now)
        self.accept = AcceptService(
            self.deliveries, house.once, self._on_changes, house.redis.clock, accept_policy(settings, house.limits)
        )
        self.breakers = Breakers(
            Circuits(house.redis), house.observer.circuit, house.redis.clock.now, breaker_policy(settings)
        )
        self.queues: Queues | None = None
        self.on_queues: Callable[[Queues], None] = lambda queues: None
        self.engine: Engine | None = None
        self.routes: Routes | None = None
        self.duties: list[Duty] = [QueueWatch(self.deliveries, self._on_queues)]
        if "delivery" in settings.roles:
            self._build_engine(settings)
        self.push_key = push_key_of(settings)
        self.providers = ProviderFigures(self.routes, self.breakers)
        self._describe_metrics()

    # -- the parts

    def _build_engine(self, settings: Settings) -> None:
        owner = self._house.pod
        self.tools = _tools(settings, self._house.redis.clock.now)
        self.routes = self._build_routes(settings)
        self.breakers.add(provider.name for _, provider in self.routes)
        slots = slots_of(settings)
        shares = Shares(slots)
        recorder, now = Recorder(self.deliveries), self._house.redis.clock.now
        retry = retry_policy(settings)
        self._attempts = Attempts(self.routes, self.sessions, shares, recorder, owner, random.uniform, now, retry)
        self.engine = Engine(
            self.deliveries,
            self._attempts,
            owner,
            slots,
            self._on_changes,
            self._house.observer.limited,
            shares=shares,
            terms=lease_terms(settings),
            max_leased=settings.max_queue_size,
            lease=settings.delivery_lease,
        )
        self._forgetter = Forgetter(
            self.deliveries, self._begin_sweep, settings.delivery_retention, self._house.redis.clock.now
        )
        bound = min(settings.scheduler_interval, settings.retry_interval)
        self.duties += [
            Scheduler(self.deliveries, self._on_changes, self.engine.poke, bound),
            Reclaimer(self.deliveries, self._on_changes, owner, settings.delivery_lease),
            self._forgetter,
            CircuitWatch(self.breakers),
        ]

    def _build_routes(self, settings: Settings) -> Routes:
        """The providers of the settings; raises `SetupError`."""
        guard: Callable[[Any], Guarded] = lambda inner: Guarded(  # noqa: E731
            inner, self.breakers, self._house.metrics.observe_attempt
        )
        urls = urls_of(provider_urls(settings), settings.provider_base_url)
        members = {key: [guard(build_provider(url, key, self.tools)) for url in found] for key, found in urls.items()}
        return Routes(members, guard(Inapp(self._publish)))

    async def _begin_sweep(self, name: str, seconds: float) -> bool:
        return await self._house.reports.begin_sweep(name, self._house.pod, seconds)

    async def _publish(self, notification_id: str, user: User, message: Message) -> None:
        body: dict[str, Any] = {"message": message.content, "priority": message.priority}
        body |= {name: value for name, value in (("title", message.subject), ("data", message.data)) if value}
        content = read_body(BroadcastRequest, body).content(format_time(self._house.redis.clock.now()))
        await self._house.publisher.publish_one(notification_id, user, content)

    def _describe_metrics(self) -> None:
        metrics = self._house.metrics
        metrics.labelled_gauges["queue_depth"] = self._depths
        metrics.labelled_gauges["circuit_state"] = self.providers.circuits
        metrics.labelled_gauges["circuit_hosts"] = self.providers.open_hosts
        metrics.gauge("dlq_size", "Dead letters", lambda: self.queues.dead if self.queues else 0, max)
        metrics.gauge("deliveries_leased", "Leased and not finished", lambda: self.engine.leased if self.engine else 0)

    def _depths(self) -> dict[tuple[str, ...], float]:
        if self.queues is None:
            return {}
        return {(queue.channel, p): float(n) for queue in self.queues.channels for p, n in queue.waiting.items()}

    # -- phases

    async def check(self) -> None:
        """Checks each provider's set-up; raises `SetupError`."""
        for _, provider in self.routes or ():
            await provider.check()

    def start(self) -> None:
        """Starts sending; the caller starts the duties."""
        if self.engine is not None:
            self.engine.start()

    async def stop(self, timeout: float) -> None:
        """Waits for the sends under way, then closes the providers; `timeout` in seconds."""
        if self.engine is not None:
            await self.engine.stop(timeout)
        for _, provider in self.routes or ():
            await provider.close()
        if self.engine is not None:
            await self.tools.close()

    def reconfigure(self, settings: Settings) -> None:
        """Replaces the policies of the parts."""
        self.accept.reconfigure(accept_policy(settings, self._house.limits))
        self.breakers.reconfigure(breaker_policy(settings))
        if self.engine is not None:
            self.engine.reconfigure(lease_terms(settings))
            self._attempts.reconfigure(retry_policy(settings))
            self._forgetter.reconfigure(settings.delivery_retention)

    # -- what happens

    def _on_changes(self, changes: Sequence[Change]) -> None:
        queued = {change.channel for change in changes if change.status is Status.QUEUED}
        for change in changes:
            if change.id:
                self._house.observer.delivery_changed(change)
        if queued and self.engine is not None:
            self.engine.poke(queued)

    def _on_queues(self, queues: Queues) -> None:
        self.queues = queues
        self.on_queues(queues)

    def slots(self) -> dict[str, int]:
        """Sends that each channel can have under way at once, on this instance."""
        return {channel: self.engine.slots_of(channel) for channel in CHANNELS} if self.engine else {}


def check_providers(settings: Settings) -> None:
    """Builds every provider of the settings once; raises `SetupError` that names the variable."""
    for key, urls in urls_of(provider_urls(settings), settings.provider_base_url).items():
        variable = f"PROVIDER_{key.replace(':', '_').upper()}"
        if not provider_urls(settings)[key]:
            variable = "PROVIDER_BASE_URL"
        try:
            for url in urls:
                build_provider(url, key, _tools(settings, lambda: 0.0))  # it sends nothing, and needs no clock
        except SetupError as error:
            raise SetupError(f"{variable}: {str(error).partition(': ')[2]}") from None


def push_key_of(settings: Settings) -> str:
    """The public key that pages subscribe to Web Push with, empty where it is not configured: of the first provider."""
    for url in settings.provider_push_web:
        if url.lower().startswith("webpush:"):
            return str(getattr(build_provider(url, "push:web", _tools(settings, lambda: 0.0)), "public_key", ""))
    return ""


def _tools(settings: Settings, now: Callable[[], float]) -> Tools:
    return Tools(
        webhook_secret=settings.webhook_secret,
        allow_private=[ip_network(text) for text in settings.webhook_allow_private],
        simulator_success_rate=settings.simulator_success_rate,
        simulator_latency=settings.simulator_latency,
        now=now,
    )
