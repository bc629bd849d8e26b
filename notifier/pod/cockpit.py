"""The parts that tell how the cluster stands: problems, figures of each minute, talkers, notable events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from notifier.config import Settings
from notifier.domain.talkers import KINDS, Notebook
from notifier.domain.times import format_time, parse_time
from notifier.duties.duty import Duty
from notifier.duties.event_keeper import EventKeeper
from notifier.duties.history_writer import HistoryWriter
from notifier.duties.problem_watch import ProblemWatch
from notifier.live.events import EventFeed
from notifier.live.hub import Hub
from notifier.live.peers import Peers
from notifier.pod.channels import ChannelFigures, told_counts
from notifier.pod.history import HistoryReport, Minutes
from notifier.pod.identity import Identity
from notifier.pod.log_events import LogEvents
from notifier.pod.pipeline import Pipeline
from notifier.pod.policies import problem_thresholds
from notifier.pod.problems import ProblemBoard
from notifier.pod.pulse import Pulse
from notifier.pod.seat import Seat
from notifier.pod.store_state import StoreState
from notifier.service.operate import Operations, PodReport, pod_report
from notifier.store.delivery_records import Queues
from notifier.store.events import EventLog
from notifier.store.history import History
from notifier.store.presence import PodRecord
from notifier.store.redis.client import Redis
from notifier.telemetry.metrics import Metrics
from notifier.telemetry.recent import RecentCounts

if TYPE_CHECKING:
    from notifier.ingest.ingest import Ingest

TALKERS = 10  # names of each kind in an answer
MARKS = {
    "instance.started": "restart",
    "instance.gone": "instance_gone",
    "channel.paused": "paused",
    "channel.resumed": "resumed",
    "store.replaced": "store_replaced",
}
CIRCUITS = {"open": "circuit_open", "closed": "circuit_closed"}
ONE_MARK = 15.0  # seconds within which several instances tell of the same


class Instance(Protocol):
    """The parts of an instance that the cockpit reads, as `App` has them."""

    identity: Identity
    redis: Redis
    metrics: Metrics
    hub: Hub
    peers: Peers
    events: EventFeed
    event_log: EventLog
    store_state: StoreState
    pipeline: Pipeline
    operations: Operations
    ingest: Ingest | None
    seat: Seat | None


class Cockpit:
    """Facts for operators, kept up by three duties."""

    def __init__(self, settings: Settings, instance: Instance, notebook: Notebook) -> None:
        self._instance = instance
        identity, redis, pipeline = instance.identity, instance.redis, instance.pipeline
        self._watched: list[Duty] = []
        self.pulse = Pulse(
            instance.metrics,
            instance.store_state,
            redis.clock,
            notebook,
            pipeline.providers.signs,
            self._kafka_error,
            self._watched,
        )
        self.problems = ProblemBoard(
            identity.pod,
            self.pulse.measure,
            lambda: instance.ingest.state.lag if instance.ingest else 0,
            self.pulse.rates,
            redis.clock.now,
            problem_thresholds(settings),
        )
        self.past = instance.event_log.past
        self.problems.read_store = self._read_store
        self.problems.on_gone = self._tell_gone
        pipeline.on_queues = self.problems.note_queues
        self.minutes = Minutes(instance.metrics, lambda: len(instance.hub), lambda: pipeline.queues)
        self._counts = RecentCounts(instance.metrics.labelled["deliveries"], 60)
        history = History(redis, identity.pod)
        self.history = HistoryReport(history, self._marks, redis.clock.now)
        self.channels = ChannelFigures(
            pipeline.service, self._channel_counts, self._provider_rows, self.history.dead_last_hour
        )
        self._register_gauges()
        instance.peers.answers("talkers", self.pulse.top)
        instance.peers.answers("channels", lambda: told_counts(self._counts.grown))
        self._log = LogEvents(instance.events, identity.pod)
        self.duties: list[Duty] = [
            ProblemWatch(self._look),
            HistoryWriter(history, self.minutes.read, redis.clock.now),
            EventKeeper(instance.event_log, instance.events),
        ]

    def _register_gauges(self) -> None:
        gauge, queues = self._instance.metrics.gauge, self._instance.pipeline
        text = "Problems of the cluster, without notices"
        gauge("problems", text, lambda: sum(1 for one in self.problems.current() if one.is_fault), max)
        text = "Dead letters of the last ten minutes"
        gauge("dlq_recent", text, lambda: queues.queues.dead_recent if queues.queues else 0, max)
        text = "Seconds by which this machine's clock is off from Redis'"
        gauge("clock_skew_seconds", text, lambda: abs(self._instance.redis.clock.skew()), max)
        text = "Notifications a second of the source that sends the most here"
        gauge("busiest_source_per_second", text, lambda: max(self.pulse.rates().values(), default=0.0), max)

    def watch(self, duties: Sequence[Duty]) -> None:
        """Names the duties whose failures are problems."""
        self._watched += duties

    def start(self) -> None:
        """Follows this instance's log, and tells that it has started."""
        logging.getLogger("notifier").addHandler(self._log)
        self._instance.events.note("instance.started", {"version": self._instance.identity.version})

    def stop(self) -> None:
        """Follows the log no more."""
        logging.getLogger("notifier").removeHandler(self._log)

    def reconfigure(self, settings: Settings) -> None:
        """Replaces the thresholds."""
        self.problems.reconfigure(problem_thresholds(settings))

    def note_records(self, records: Sequence[PodRecord]) -> None:
        """Takes in what the heartbeat found of the instances."""
        self.problems.note_pods([pod_report(record) for record in records])

    def note_lag(self, seconds: float) -> None:
        """Notes how late the event loop was."""
        self.pulse.note_lag(seconds)
        self.minutes.note_lag(seconds)

    async def talkers(self, minutes: int) -> dict[str, list[dict[str, Any]]]:
        """The busiest names of each kind over all instances, by `KINDS`."""
        totals: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        for answer in await self._instance.peers.ask("talkers", minutes=minutes):
            for kind, names in answer.items():
                for name, count in names.items():
                    totals[kind][name] = totals[kind].get(name, 0) + count
        return {kind: _first(names) for kind, names in totals.items()}

    def _look(self) -> None:
        self.pulse.tick()
        self._counts.tick()
        self.problems.measure()
        if self._instance.seat is not None:
            self._log.tell(self._instance.seat.take_lines())

    def _kafka_error(self) -> str | None:
        """The reason why Kafka is not read. Empty while it is paused, as the store is away then."""
        ingest = self._instance.ingest
        return None if ingest is None or ingest.state.paused else ingest.state.error

    async def _read_store(self) -> tuple[Queues, list[PodReport]]:
        queues, pods = await asyncio.gather(self._instance.pipeline.service.queues(), self._instance.operations.pods())
        return queues, pods

    async def _channel_counts(self) -> list[dict[str, list[int]]]:
        return await self._instance.peers.ask("channels")

    async def _provider_rows(self) -> list[list[dict[str, Any]]]:
        return await self._instance.peers.ask("providers")

    def _tell_gone(self, pod: str) -> None:
        self._instance.events.note("instance.gone", {"pod": pod})

    async def _marks(self, since: float) -> list[dict[str, Any]]:
        """The notable events that explain a chart, each once however many instances told of it."""
        found: list[dict[str, Any]] = []
        for data in await self._instance.event_log.past(format_time(since), 1_000):
            mark = _mark(msgspec.json.decode(data))
            if mark is not None and not any(_same(mark, other) for other in found[-20:]):
                found.append(mark)
        return found


def _mark(event: dict[str, Any]) -> dict[str, Any] | None:
    kind, text = MARKS.get(event["type"]), str(event.get("pod") or event.get("channel") or event["pod_id"])
    if event["type"] == "provider.circuit":
        kind, text = CIRCUITS.get(event["state"]), event["provider"]
    return {"at": event["time"], "kind": kind, "text": text} if kind else None


def _same(mark: dict[str, Any], other: dict[str, Any]) -> bool:
    same = mark["kind"] == other["kind"] and mark["text"] == other["text"]
    return same and parse_time(mark["at"]) - parse_time(other["at"]) < ONE_MARK


def _first(names: dict[str, int]) -> list[dict[str, Any]]:
    rows = sorted(names.items(), key=lambda row: (-row[1], row[0]))[:TALKERS]
    return [{"name": name, "count": count} for name, count in rows]
