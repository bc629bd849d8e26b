"""The HTTP application of one instance: every group of endpoints, built over the parts that it calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry
from sanic import Sanic

from notifier import __version__
from notifier.config import Settings
from notifier.domain.doors import users_of
from notifier.domain.talkers import Notebook
from notifier.live.events import EventFeed
from notifier.live.keyed import OpenByKey
from notifier.live.lean import LeanPath
from notifier.pod.cluster import ClusterFigures
from notifier.pod.cockpit import Cockpit
from notifier.pod.doors import DoorFigures
from notifier.pod.health import HealthReport
from notifier.pod.person import Person
from notifier.service.accept import AcceptService
from notifier.service.access import Access
from notifier.service.dead_letters import DeadLetterService
from notifier.service.deliveries import DeliveryService
from notifier.service.devices import DeviceService
from notifier.service.doors import DoorService
from notifier.service.find import Finder
from notifier.service.operate import Operations
from notifier.service.publish import Publisher
from notifier.service.read_links import ReadLinks
from notifier.service.sessions import SendRate, SessionService
from notifier.store.limits import Limits
from notifier.store.link_secret import LinkSecret
from notifier.store.redis.client import Redis
from notifier.telemetry.metrics import Metrics
from notifier.web.documents.endpoints import DocumentEndpoints
from notifier.web.doors.base import House
from notifier.web.doors.mount import mount_doors
from notifier.web.endpoints.channels import ChannelEndpoints
from notifier.web.endpoints.clients import ClientEndpoints
from notifier.web.endpoints.cluster import ClusterEndpoints
from notifier.web.endpoints.dead_letters import DeadLetterEndpoints
from notifier.web.endpoints.deliveries import DeliveryEndpoints
from notifier.web.endpoints.device_tokens import DeviceTokenEndpoints
from notifier.web.endpoints.doors import DoorEndpoints
from notifier.web.endpoints.events import EventEndpoints
from notifier.web.endpoints.express import Express
from notifier.web.endpoints.find import FindEndpoints
from notifier.web.endpoints.health import HealthEndpoints
from notifier.web.endpoints.history import HistoryEndpoints
from notifier.web.endpoints.inboxes import InboxEndpoints
from notifier.web.endpoints.keys import KeyEndpoints
from notifier.web.endpoints.metrics import MetricsEndpoints
from notifier.web.endpoints.notify import NotifyEndpoints, NotifyReceiver
from notifier.web.endpoints.notify_changes import NotifyChangeEndpoints
from notifier.web.endpoints.own_inbox import OwnInboxEndpoints
from notifier.web.endpoints.page import serve_page
from notifier.web.endpoints.problems import ProblemEndpoints
from notifier.web.endpoints.push_key import PushKeyEndpoints
from notifier.web.endpoints.sessions import RateLimitEndpoints, SessionEndpoints
from notifier.web.endpoints.socket import InboxSocket, SocketEndpoints
from notifier.web.http.auth import Guard
from notifier.web.http.origin import Origins
from notifier.web.http.route import Endpoints
from notifier.web.http.server import build_app


class Offered(NamedTuple):
    """The parts that endpoints call."""

    redis: Redis
    publisher: Publisher
    person: Person
    push_key: str
    sockets: InboxSocket
    accept: AcceptService
    deliveries: DeliveryService
    dead_letters: DeadLetterService
    sessions: SessionService
    send_rate: SendRate
    operations: Operations
    access: Access
    devices: DeviceService
    limits: Limits
    doors: DoorFigures
    events: EventFeed
    opened: OpenByKey
    on_listener: Callable[[], None]
    health: HealthReport
    cluster: ClusterFigures
    cockpit: Cockpit
    finder: Finder
    notebook: Notebook
    lean: LeanPath | None
    metrics: Metrics
    registry: CollectorRegistry


class Doorway(Protocol):
    """The parts that doors need."""

    @property
    def access(self) -> Access: ...
    @property
    def devices(self) -> DeviceService: ...
    @property
    def publisher(self) -> Publisher: ...
    @property
    def person(self) -> Person: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def redis(self) -> Redis: ...
    @property
    def doors(self) -> DoorFigures: ...


def build_web(settings: Settings, parts: Offered) -> Sanic:
    """The application; without tokens (`AUTH_MODE=none`) it has the express lane of `POST /notify`."""
    tokens = settings.auth_mode == "token"
    origins = Origins(settings.allowed_origins, settings.loopback_only)
    receiver = NotifyReceiver(parts.publisher, parts.redis.clock.now)
    endpoints = _endpoints(parts, receiver)
    endpoints.append(DoorEndpoints(parts.doors.read, parts.access, settings.doors))
    endpoints.append(DocumentEndpoints(__version__, tokens, endpoints))
    guard = Guard(parts.access.authenticate, parts.devices.open) if tokens else None
    count = parts.metrics.count_request

    def add_more(app: Sanic) -> None:
        serve_page(app)
        count_door = partial(parts.metrics.count, "door_requests")
        public_url, health = settings.public_url.rstrip("/"), parts.health.read
        doors, links = build_doors(settings, parts), _read_links(settings, parts)
        accepted = parts.cluster.accepted
        house = House(doors, parts.sockets, public_url, __version__, health, accepted, links)
        mount_doors(app, house, settings.doors, count_door)

    web = build_app(endpoints, origins, settings.max_body, count, guard, add_more)
    descriptors = web.ctx.descriptors
    parts.metrics.gauge("connections_refused", "Connections refused for want of files", lambda: descriptors.refused)
    if guard is None:
        web.ctx.express = Express(receiver, origins, settings.max_body, count, parts.notebook.came, parts.lean)
    return web


def _read_links(settings: Settings, parts: Doorway) -> ReadLinks | None:
    address = settings.public_url.rstrip("/")
    if not address or settings.ntfy_read_action == "off":
        return None
    return ReadLinks(LinkSecret(parts.redis).read, f"{address}/a/", parts.redis.clock.now)


def build_doors(settings: Settings, parts: Doorway) -> DoorService:
    """The use cases of other programs' protocols."""
    (default,) = users_of([settings.door_default_target.replace(":", "-", 1)])
    person, tokens = parts.person, settings.auth_mode == "token"
    return DoorService(
        parts.access,
        parts.devices,
        parts.publisher,
        person.keyed,
        person.states,
        parts.limits,
        default,
        tokens,
        parts.redis.clock.now,
        parts.doors.used,
    )


def _endpoints(parts: Offered, receiver: NotifyReceiver) -> list[Endpoints]:
    now = parts.redis.clock.now
    return [
        NotifyEndpoints(receiver, parts.notebook.came),
        NotifyChangeEndpoints(parts.person.keyed, parts.person.patched),
        OwnInboxEndpoints(parts.person.states, now),
        DeviceTokenEndpoints(parts.devices),
        PushKeyEndpoints(parts.push_key),
        SocketEndpoints(parts.sockets),
        DeliveryEndpoints(parts.accept, parts.deliveries, parts.notebook),
        SessionEndpoints(parts.sessions),
        RateLimitEndpoints(parts.send_rate.look),
        ClientEndpoints(parts.operations),
        InboxEndpoints(parts.operations),
        ClusterEndpoints(parts.operations, parts.publisher, now),
        DeadLetterEndpoints(parts.deliveries, parts.dead_letters),
        ChannelEndpoints(
            parts.deliveries, parts.cluster.providers, parts.cluster.slots, now, parts.cockpit.channels.rows
        ),
        ProblemEndpoints(parts.cockpit.problems.look, now),
        FindEndpoints(parts.finder.find),
        HistoryEndpoints(parts.cockpit.history.read, parts.cockpit.talkers),
        EventEndpoints(parts.events, parts.opened, parts.on_listener, parts.cockpit.past),
        KeyEndpoints(parts.access, now),
        HealthEndpoints(parts.health.read, lambda: parts.redis.up),
        MetricsEndpoints(parts.registry, parts.cluster.snapshot),
    ]
