"""The parts list of one instance: every part, built top to bottom."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sanic import Sanic

from notifier.config import Settings
from notifier.domain.talkers import Notebook
from notifier.duties.bus_reader import BusReader
from notifier.duties.duty import Duty
from notifier.duties.followers import Asker, Follower
from notifier.duties.groups import GroupMaintenance
from notifier.duties.heartbeat import Heartbeat
from notifier.duties.janitor import Janitor
from notifier.duties.key_watch import KeyWatch
from notifier.duties.store_watcher import StoreWatcher
from notifier.duties.tally_round import TallyRound
from notifier.duties.ticker import Ticker
from notifier.duties.trimmer import Trimmer
from notifier.live.events import EventFeed
from notifier.live.hub import Hub
from notifier.live.keyed import OpenByKey
from notifier.live.lean import LeanPath
from notifier.live.peers import Peers
from notifier.live.router import Router
from notifier.pod.answers import ConnectionAnswers
from notifier.pod.cluster import SLOTS, ClusterFigures
from notifier.pod.cockpit import Cockpit
from notifier.pod.document import DocumentWriter
from notifier.pod.doors import DoorFigures
from notifier.pod.gauges import build_info, register_gauges, register_outer_gauges, register_store_gauges
from notifier.pod.health import HealthReport
from notifier.pod.identity import Identity
from notifier.pod.lean import build_lean
from notifier.pod.observer import Observer
from notifier.pod.person import Person
from notifier.pod.pipeline import House, Pipeline
from notifier.pod.policies import inbox_policy, notify_limit, user_rate
from notifier.pod.seat import Seat
from notifier.pod.store_state import StoreState
from notifier.pod.web import Offered, build_web
from notifier.service.access import Access
from notifier.service.devices import DeviceService
from notifier.service.find import Finder
from notifier.service.inbox import InboxService
from notifier.service.jwks import Jwks
from notifier.service.once import Once
from notifier.service.operate import Operations
from notifier.service.publish import Publisher
from notifier.service.sessions import SendRate, SessionService
from notifier.service.user_tokens import UserTokens
from notifier.store.api_keys import ApiKeys
from notifier.store.bus import Bus
from notifier.store.device_tokens import DeviceTokens
from notifier.store.embedded.kept import KeptRedis, OwnRedis
from notifier.store.embedded.server import EmbeddedRedis
from notifier.store.epoch import Epoch
from notifier.store.events import EventLog
from notifier.store.express import Express
from notifier.store.idempotency import Idempotency
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Holder
from notifier.store.limits import Limits
from notifier.store.presence import Presence
from notifier.store.redis.address import Address, Deployment, parse_deployment
from notifier.store.redis.client import Call
from notifier.store.redis.open import open_store
from notifier.store.redis.single import SingleRedis
from notifier.store.redis.watch import StoreWatch
from notifier.store.reports import Reports
from notifier.telemetry.metrics import Metrics, ProcessFigures, registry
from notifier.telemetry.tally import SharedTally
from notifier.web.endpoints.socket import InboxSocket, SocketLimits

if TYPE_CHECKING:
    from notifier.ingest.ingest import Ingest

LATE = 2.0  # seconds after which a server that could not be told to drop our old commands has carried them out

log = logging.getLogger("notifier.app")


class Parts:
    """Every part of an instance. `pod/app.py` starts and stops them."""

    def __init__(self, settings: Settings, seat: Seat | None = None) -> None:
        """`seat` is set with `--workers`: then a process of its own keeps the embedded Redis for all workers."""
        self.settings = settings
        self.seat = seat
        self.identity = Identity(settings.pod_id, time.time())
        self.metrics = Metrics()
        self.figures = ProcessFigures()
        self.tally = SharedTally(seat, self.metrics.tally, self.figures.read) if seat else None
        self.holder = Holder(settings.pod_id)
        self.embedded = None if settings.redis_addr else self._embedded_redis()
        self._build_store()
        self._build_live()
        self._build_services()
        self._build_pipeline()
        self.ingest = self._build_ingest()
        self.cockpit = Cockpit(settings, self, self.notebook)
        self._build_duties()
        self._build_reports()

    # -- the parts

    def _embedded_redis(self) -> OwnRedis:
        if self.seat is not None:
            return KeptRedis(self.seat.read_keeper)
        settings = self.settings
        return EmbeddedRedis(settings.data_dir, settings.redis_fsync, settings.disk_reserve, on_event=_log_event)

    def _deployment(self) -> Deployment:
        settings = self.settings
        if self.embedded is not None:  # its socket is known once it runs; start() puts it in place of this
            return Deployment("single", (Address(path="embedded"),))
        return parse_deployment(settings.redis_addr, settings.redis_password, settings.redis_db)

    def _build_store(self) -> None:
        settings = self.settings
        self.deployment = self._deployment()
        self.redis = open_store(self.deployment)
        self.redis.prepare = self._enrol
        self.redis.on_reply_seconds = self.metrics.redis.observe
        self.redis.spoilt.on_found = lambda kind: self.metrics.count("spoilt_values", kind)
        self.store_watch = StoreWatch(self.redis)
        self.inbox = Inbox(self.redis, inbox_policy(settings))
        self.bus = Bus(self.redis, settings.pod_id)
        self.presence = Presence(self.redis, settings.presence_ttl)
        self.presence.epoch = self.epoch = Epoch(self.redis, self._on_replaced)
        self.store_state = StoreState(self.redis, self.store_watch, self.embedded)
        self.reports = Reports(self.redis)
        self.limits = Limits(self.redis)
        self.api_keys = ApiKeys(self.redis)
        self.event_log = EventLog(self.redis, settings.pod_id)

    def _build_live(self) -> None:
        settings = self.settings
        self.hub = Hub()
        self.opened = OpenByKey()
        self.events = EventFeed(settings.pod_id, self.event_log.publish, self.redis.clock.now)
        self.notebook = Notebook()
        self.observer = Observer(self.metrics, self.events, self.notebook)
        self.router = Router(
            self.hub,
            self.inbox,
            self.bus,
            self.events,
            self.holder,
            settings.lock_ttl,
            self.metrics.count_push,
            self.redis.clock.now,
        )
        self.express: Express | None = None
        if settings.lean_path == "on" and isinstance(self.redis, SingleRedis):
            self.reports.before = self.inbox.plain.bring_up_to_date
            self.express = self.inbox.plain.path = Express(self.redis, self.inbox, self.holder, self.router.news)
        self.peers = Peers(self.bus, settings.pod_id, lambda: self.heartbeat.others)
        ConnectionAnswers(settings.pod_id, self.hub, self.redis.clock.now).register(self.peers)

    def _build_services(self) -> None:
        settings = self.settings
        self.idempotency = Idempotency(self.redis)
        self.once = Once(self.idempotency, settings.idempotency_ttl)
        self.person = Person(
            self.redis, self.inbox, self.holder, self.reports, self.router, self.observer, self.metrics
        )
        self.publisher = Publisher(
            self.inbox.acceptance,
            self.holder,
            announce=self.router.announce,
            doubt=self.router.doubt,
            on_stored=self.observer.stored,
            once=self.once,
            limit=notify_limit(settings, self.limits),
            keyed=self.person.keyed,
        )
        self.inbox_service = InboxService(self.inbox, self.holder)
        self.access = self._build_access()
        self.devices = DeviceService(DeviceTokens(self.redis), on_revoked=self.opened.end)
        self.operations = Operations(
            self.reports, self.inbox.upkeep, self.presence, self.peers.ask, self.router.tell_cleared
        )
        limits = SocketLimits(
            settings.max_frame,
            settings.send_buffer,
            settings.max_connections_per_user,
            settings.max_connections_per_address,
        )
        self.sockets = InboxSocket(
            self.hub,
            self.router,
            self.inbox_service,
            self.person.states,
            limits,
            self.observer.read,
            lambda: self.redis.up,
            self.redis.clock.now,
            self.opened,
        )
        self.lean = self._build_lean()

    def _build_lean(self) -> LeanPath | None:
        if self.express is None:
            return None
        lean = build_lean(self.express, self.inbox, self.router, self.observer, self.publisher, self.redis.clock.now)
        lean.allowed = notify_limit(self.settings, self.limits) is None
        self.sockets.go_lean(lean)
        return lean

    def _build_access(self) -> Access:
        settings = self.settings
        secret, url = (settings.jwt_secret, settings.jwks_url) if settings.auth_mode == "token" else ("", "")
        users = UserTokens(secret, Jwks(url) if url else None, self.redis.clock.now)
        return Access(settings.admin_token, self.api_keys, users, on_revoked=self.opened.end)

    def _build_pipeline(self) -> None:
        house = House(
            self.redis,
            self.metrics,
            self.observer,
            self.publisher,
            self.reports,
            self.limits,
            self.once,
            self.settings.pod_id,
        )
        self.pipeline = Pipeline(self.settings, house)
        self.peers.answers("providers", self.pipeline.providers.rows)
        self.peers.answers(SLOTS, self.pipeline.slots)
        self.session_service = SessionService(self.pipeline.sessions)
        self.finder = Finder(self.reports, self.presence, self.pipeline.sessions, self.redis)
        self.send_rate = SendRate(self.pipeline.deliveries, user_rate(self.settings), self.redis.clock.now)

    def _build_ingest(self) -> Ingest | None:
        settings = self.settings
        if not settings.reads_kafka:
            return None
        from notifier.ingest.ingest import Ingest
        from notifier.ingest.options import options_of

        options = options_of(settings.kafka_brokers, settings.consumer_group, settings.pod_id, settings.kafka)
        return Ingest(options, settings.kafka_topic, self.pipeline.accept, self.notebook.read)

    def _build_duties(self) -> None:
        self._build_beats()
        self._build_sweeps()
        store_watcher = StoreWatcher(self.store_watch)
        self.redis.on_connected = store_watcher.hurry
        self.duties: list[Duty] = [
            store_watcher,
            self.bus_reader,
            self.heartbeat,
            self.janitor,
            self.trimmer,
            self.groups,
            self.person.waker,
            Ticker(self.hub, self.cockpit.note_lag),
            self.asker,
            self.follower,
            *self.pipeline.duties,
            *self.cockpit.duties,
        ]
        if self.ingest is not None:
            from notifier.duties.kafka_consumer import KafkaConsumer

            self.duties.append(KafkaConsumer(self.ingest))
        self.duties.append(KeyWatch((self.api_keys.revoked, self.devices.revoked), self.opened))
        if self.tally is not None:
            self.duties.append(TallyRound(self.tally.publish))
        for duty in self.duties:
            duty.on_failure = self.metrics.count_duty_failure
        self.cockpit.watch(self.duties)

    def _build_beats(self) -> None:
        settings = self.settings
        self.bus_reader = BusReader(self.bus, self.router, self.peers, self.events, self._list_other_pods)
        self.heartbeat = Heartbeat(
            self.presence,
            self.router,
            DocumentWriter(
                self.identity,
                self.hub,
                self.metrics,
                lambda: sum(self.pipeline.slots().values()),
                self.cockpit.problems.told,
            ).write,
            self.metrics.since_last,
            self.metrics.reported,
            beat_interval=settings.heartbeat_interval,
            renew_interval=settings.lock_ttl / 3,
            on_bus_lost=self.bus_reader.restart,
            on_pods=self.observer.pod,
            on_records=self.cockpit.note_records,
        )
        self.cockpit.problems.on_change = self.heartbeat.hurry
        self.router.is_dead = self.heartbeat.is_dead
        self.router.others = lambda: self.heartbeat.others
        self.redis.on_break, self.redis.on_back = self._on_break, self._on_back
        self.asker = Asker(self.bus, self.events, lambda: self.heartbeat.others)
        self.follower = Follower(self.event_log, self.events, lambda: self.heartbeat.others)

    def _build_sweeps(self) -> None:
        settings, pod = self.settings, self.settings.pod_id
        interval = settings.janitor_interval
        self.janitor = Janitor(
            self.reports,
            self.inbox.upkeep,
            pod,
            self.router.tell_cleared,
            self.observer.cleared,
            self.router.note_change,
            interval=interval,
            look_again=settings.lock_ttl,
            now=self.redis.clock.now,
        )
        self.trimmer = Trimmer(
            self.reports, self.inbox.upkeep, self.observer.trimmed, self.router.note_change, interval=interval
        )
        self.groups = GroupMaintenance(self.reports, self.inbox.upkeep, pod, interval=interval)

    def _build_reports(self) -> None:
        ingest = self.ingest
        self.metrics.info = build_info(self.identity, self.seat is not None)
        register_gauges(self.metrics, self.identity, self.hub, self.events)
        register_store_gauges(self.metrics, self.store_state, self.embedded)
        register_outer_gauges(self.metrics, lambda: ingest.state.lag if ingest else 0, self.seat)
        self.health = HealthReport(
            self.identity,
            self.store_state,
            self.duties,
            lambda: ingest.state.report() if ingest else {"status": "off"},
            self.pipeline.providers.report,
            self.cockpit.problems.current,
            self.redis.clock.now,
        )
        self.doors = DoorFigures(self.metrics, self.peers, self.redis.clock.now)
        self.cluster = ClusterFigures(
            self.identity, self.operations, self.pipeline.service, self.peers, self.hub, self.metrics
        )

    def web(self) -> Sanic:
        """The HTTP application over these parts."""
        offered = Offered(
            self.redis,
            self.publisher,
            self.person,
            self.pipeline.push_key,
            self.sockets,
            self.pipeline.accept,
            self.pipeline.service,
            self.pipeline.dead_letters,
            self.session_service,
            self.send_rate,
            self.operations,
            self.access,
            self.devices,
            self.limits,
            self.doors,
            self.events,
            self.opened,
            self._on_listener,
            self.health,
            self.cluster,
            self.cockpit,
            self.finder,
            self.notebook,
            self.lean,
            self.metrics,
            registry(self.metrics, self.tally, self.figures),
        )
        return build_web(self.settings, offered)

    # -- what the store and other instances tell

    async def _enrol(self, call: Call) -> None:
        self.holder.fence = await self.presence.enrol(call) or self.holder.fence
        await self.epoch.read(call)

    def _on_break(self) -> None:
        """Replies of the store were lost."""
        self.inbox.plain.forget_all()
        self.router.break_off()

    def _on_back(self) -> None:
        """Called when the store can be reached again: catches up, and wakes every duty that waits for it."""
        self.router.recover()
        self.person.watch.note_all()
        for duty in self.duties:
            duty.hurry_after_failure()
        if self.redis.may_store_late:
            asyncio.get_running_loop().call_later(LATE, self.router.recover)

    def _on_replaced(self) -> None:
        """Called when the store holds other data than before: flushed, replaced or restored."""
        log.error("store.replaced", extra={"address": str(self.deployment), "connections": len(self.hub)})
        self.store_state.note_replaced()
        self.events.note("store.replaced", {})
        self.router.start_anew()

    async def _list_other_pods(self) -> list[str]:
        own = self.settings.pod_id
        return [record.pod for record in await self.presence.pods() if record.document and record.pod != own]

    def _on_listener(self) -> None:
        self.asker.hurry()
        self.follower.hurry()


def _log_event(name: str, facts: Mapping[str, Any]) -> None:
    log.warning(name, extra=dict(facts))
