"""Problems of the cluster: kinds, severities, thresholds, and the words for each. One list for every reader.

An instance measures itself (`Signs`) and knows what all share (`Shared`); both become problems here, by arithmetic
alone. Problems of several instances about one subject become one: the worst value, the earliest beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

MAX_TEXT = 60  # characters: a line of the dashboard at 80 columns holds one
MAX_SUBJECT = 40
HOUR = 3600


class Severity(StrEnum):
    """Rank of a problem. A notice is no fault: it colours nothing."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class Kind(StrEnum):
    """Kinds of problems, the closed set. Within a severity the earlier one is the worse."""

    STORE_AWAY = "store_away"
    DISK_FULL = "disk_full"
    STORE_REFUSING = "store_refusing"
    INSTANCE_GONE = "instance_gone"
    CIRCUIT_OPEN = "circuit_open"
    KAFKA_AWAY = "kafka_away"
    STORE_UNSAFE = "store_unsafe"
    STORE_SLOW = "store_slow"
    LOOP_LAG = "loop_lag"
    DELIVERY_SLOW = "delivery_slow"
    PROVIDER_SLOW = "provider_slow"
    CHANNEL_PAUSED = "channel_paused"
    DELIVERIES_HELD = "deliveries_held"
    QUEUE_GROWING = "queue_growing"
    DEAD_LETTERS_GROWING = "dead_letters_growing"
    KAFKA_LAG = "kafka_lag"
    CLOCK_SKEW = "clock_skew"
    FLOOD = "flood"
    DUTY_FAILING = "duty_failing"
    SIMULATED = "simulated"


CRITICAL = frozenset(
    {
        Kind.STORE_AWAY,
        Kind.DISK_FULL,
        Kind.STORE_REFUSING,
        Kind.INSTANCE_GONE,
        Kind.CIRCUIT_OPEN,
        Kind.KAFKA_AWAY,
    }
)
VIEWS = {
    Kind.INSTANCE_GONE: "instances",
    Kind.LOOP_LAG: "instances",
    Kind.CLOCK_SKEW: "instances",
    Kind.CIRCUIT_OPEN: "channels",
    Kind.CHANNEL_PAUSED: "channels",
    Kind.PROVIDER_SLOW: "channels",
    Kind.SIMULATED: "channels",
    Kind.DELIVERIES_HELD: "deliveries",
    Kind.QUEUE_GROWING: "channels",
    Kind.DEAD_LETTERS_GROWING: "dead_letters",
    Kind.FLOOD: "talkers",
}
_ORDER = {kind: place for place, kind in enumerate(Kind)}
_RANK = {severity: place for place, severity in enumerate(Severity)}


class Thresholds(NamedTuple):
    """The settings `PROBLEM_*`: seconds, counts, and sends a second. A value beyond one is a problem."""

    delivery_p99: float
    store_p99: float
    loop_lag: float
    provider_p95: float
    clock_skew: float
    queue: int
    dead_letters: int
    kafka_lag: int
    flood: float


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One problem. `note` is what its words need beyond subject and value; `since` is Unix seconds of Redis' clock.

    `channel` is that of a circuit, a queue or a provider.
    """

    kind: Kind
    subject: str = ""
    value: float | None = None
    threshold: float | None = None
    note: str = ""
    channel: str = ""
    since: float | None = None

    @property
    def key(self) -> tuple[Kind, str]:
        """Problems with the same key are one."""
        return self.kind, self.subject

    @property
    def severity(self) -> Severity:
        """`notice` for what is simulated, `critical` for what stops deliveries or an instance."""
        if self.kind is Kind.SIMULATED:
            return Severity.NOTICE
        grave = self.kind in CRITICAL and (self.kind, self.note) not in MILDER
        return Severity.CRITICAL if grave else Severity.WARNING

    @property
    def is_fault(self) -> bool:
        """False for a notice."""
        return self.severity is not Severity.NOTICE

    @property
    def view(self) -> str:
        """The dashboard's view that shows more of it."""
        return VIEWS.get(self.kind, "overview")


ONE_RECIPIENT = "for one recipient"
ON_RESERVE = "on its reserve"
MILDER = {(Kind.CIRCUIT_OPEN, ONE_RECIPIENT), (Kind.DISK_FULL, ON_RESERVE)}  # critical kinds, yet not so bad


class ProviderSign(NamedTuple):
    """A provider of one instance: its route's name, whether its circuit is `closed`, `open` or `half_open` (`only`: for
    one recipient), and the 95th percentile of its tries in seconds, those under way counted, None without any."""

    name: str
    channel: str
    state: str
    only: bool
    p95: float | None
    simulated: bool


class Signs(NamedTuple):
    """Measurements of an instance now. Latencies are seconds, None where too little was seen to judge.

    `disk_low`: the disk has no more room than the reserve. `refusal` is why the store takes no writes, `unsafe` why it
    may lose them. `clock_skew` counts the seconds by which this machine's clock is ahead of Redis'. `kafka` is the
    consumer's error, None while it has none. `failing` are the duties whose last round failed, with the error.
    """

    store_up: bool
    refusal: str | None
    disk_full: bool
    disk_low: bool
    unsafe: Sequence[str]
    store_p99: float | None
    loop_lag: float | None
    push_p99: float | None
    clock_skew: float
    kafka: str | None
    providers: Sequence[ProviderSign]
    failing: Mapping[str, str]


class ChannelShare(NamedTuple):
    """A channel's queue, shared by all instances: `held` counts deliveries put back because a circuit was open."""

    channel: str
    paused: bool
    waiting: int
    held: int


class Shared(NamedTuple):
    """State that all instances share: channels, dead letters of the last ten minutes, instances gone and since when
    (Unix seconds), Kafka's lag, and each source's notifications a second."""

    channels: Sequence[ChannelShare]
    dead_recent: int
    gone: Mapping[str, float]
    kafka_lag: int
    sources: Mapping[str, float]


def own_problems(pod: str, signs: Signs, limits: Thresholds) -> list[Problem]:
    """Problems of one instance, by what it measures itself."""
    found = [*_store_problems(pod, signs, limits), *_speed_problems(pod, signs, limits)]
    for provider in signs.providers:
        found += _provider_problems(provider, limits)
    if signs.kafka is not None:
        found.append(Problem(kind=Kind.KAFKA_AWAY, note=signs.kafka))
    if signs.store_up:  # without the store most duties fail, and that says nothing more
        found += [Problem(kind=Kind.DUTY_FAILING, subject=f"{pod} {duty}") for duty in signs.failing]
    return found


def shared_problems(shared: Shared, limits: Thresholds) -> list[Problem]:
    """Problems of what all instances share."""
    found = [Problem(kind=Kind.INSTANCE_GONE, subject=pod, since=since) for pod, since in sorted(shared.gone.items())]
    for row in shared.channels:
        if row.paused:
            found.append(Problem(kind=Kind.CHANNEL_PAUSED, subject=row.channel, value=row.waiting, channel=row.channel))
        elif row.waiting > limits.queue:
            found.append(_over(Kind.QUEUE_GROWING, row.channel, row.waiting, limits.queue, channel=row.channel))
        if row.held:
            found.append(Problem(kind=Kind.DELIVERIES_HELD, subject=row.channel, value=row.held, channel=row.channel))
    if shared.dead_recent > limits.dead_letters:
        found.append(_over(Kind.DEAD_LETTERS_GROWING, "", shared.dead_recent, limits.dead_letters))
    if shared.kafka_lag > limits.kafka_lag:
        found.append(_over(Kind.KAFKA_LAG, "", shared.kafka_lag, limits.kafka_lag))
    found += [
        _over(Kind.FLOOD, name, round(rate, 1), limits.flood)
        for name, rate in sorted(shared.sources.items())
        if rate > limits.flood
    ]
    return found


def merged(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for each key, worst first. What an open circuit holds is told with the circuit."""
    found: dict[tuple[Kind, str], Problem] = {}
    for one in problems:
        known = found.get(one.key)
        found[one.key] = one if known is None else _worse(known, one)
    broken = {one.channel for one in found.values() if one.kind is Kind.CIRCUIT_OPEN}
    held = {one.channel: one.value for one in found.values() if one.kind is Kind.DELIVERIES_HELD}
    kept = [one for one in found.values() if one.kind is not Kind.DELIVERIES_HELD or one.channel not in broken]
    told = [replace(one, value=held.get(one.channel, 0)) if one.kind is Kind.CIRCUIT_OPEN else one for one in kept]
    return sorted(told, key=lambda one: (_RANK[one.severity], _ORDER[one.kind], -(one.value or 0), one.subject))


def words_for(problem: Problem, now: float) -> str:
    """The problem in plain English, at most 60 characters; `now` is Unix seconds of Redis' clock."""
    text = _words(problem, _age(problem.since, now))
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def plain_words_for(problem: Problem, now: float) -> str:
    """As `words_for`, without a name that a sender chose: for readers who need no token."""
    return words_for(replace(problem, subject="one source") if problem.kind is Kind.FLOOD else problem, now)


def _store_problems(pod: str, signs: Signs, limits: Thresholds) -> list[Problem]:
    if not signs.store_up:
        return [Problem(kind=Kind.STORE_AWAY)]
    if signs.disk_full:
        return [Problem(kind=Kind.DISK_FULL)]
    found = [Problem(kind=Kind.DISK_FULL, note=ON_RESERVE)] if signs.disk_low else []
    found += [Problem(kind=Kind.STORE_REFUSING, note=signs.refusal)] if signs.refusal else []
    found += [Problem(kind=Kind.STORE_UNSAFE, subject=reason[:MAX_SUBJECT], note=reason) for reason in signs.unsafe]
    if signs.store_p99 is not None and signs.store_p99 > limits.store_p99:
        found.append(_over(Kind.STORE_SLOW, pod, signs.store_p99, limits.store_p99))
    return found


def _speed_problems(pod: str, signs: Signs, limits: Thresholds) -> list[Problem]:
    measured = [
        (Kind.LOOP_LAG, pod, signs.loop_lag, limits.loop_lag),
        (Kind.DELIVERY_SLOW, "", signs.push_p99, limits.delivery_p99),
        (Kind.CLOCK_SKEW, pod, abs(signs.clock_skew), limits.clock_skew),
    ]
    return [
        _over(kind, subject, value, most)
        for kind, subject, value, most in measured
        if value is not None and value > most
    ]


def _provider_problems(provider: ProviderSign, limits: Thresholds) -> list[Problem]:
    channel = provider.channel.partition(":")[0]
    found = []
    if provider.state != "closed":
        note = ONE_RECIPIENT if provider.only else ""
        found.append(Problem(kind=Kind.CIRCUIT_OPEN, subject=provider.name, note=note, channel=channel))
    if provider.p95 is not None and provider.p95 > limits.provider_p95:
        found.append(_over(Kind.PROVIDER_SLOW, provider.name, provider.p95, limits.provider_p95, channel=channel))
    if provider.simulated:
        found.append(Problem(kind=Kind.SIMULATED, subject=provider.channel, channel=channel))
    return found


def _over(kind: Kind, subject: str, value: float, threshold: float, channel: str = "") -> Problem:
    return Problem(kind=kind, subject=subject, value=round(value, 3), threshold=threshold, channel=channel)


def _worse(known: Problem, other: Problem) -> Problem:
    worst = other if (other.value or 0) > (known.value or 0) else known
    begun = [one.since for one in (known, other) if one.since is not None]
    return replace(worst, since=min(begun, default=None))


def _words(problem: Problem, age: str) -> str:
    subject, value, note = problem.subject[:MAX_SUBJECT], problem.value or 0, problem.note
    if problem.kind is Kind.CIRCUIT_OPEN:
        return f"{subject} circuit open{age}{f' {note}' if note else ''}, {value:.0f} held"
    texts = {
        Kind.STORE_AWAY: f"Redis away{age}",
        Kind.DISK_FULL: f"disk full{age}: {'the reserve is left' if note else 'new notifications are refused'}",
        Kind.STORE_REFUSING: f"Redis {note}",
        Kind.STORE_UNSAFE: f"Redis may lose data: {note}",
        Kind.INSTANCE_GONE: f"{subject} gone{age}",
        Kind.KAFKA_AWAY: f"Kafka away{age}: {note}",
        Kind.CHANNEL_PAUSED: f"{subject} paused{age}, {value:.0f} waiting",
        Kind.DUTY_FAILING: f"{subject} fails again and again",
        Kind.SIMULATED: f"{subject} is simulated: no provider is set",
    }
    return texts.get(problem.kind) or _measure(problem.kind, subject, value)


def _measure(kind: Kind, subject: str, value: float) -> str:
    texts = {
        Kind.STORE_SLOW: f"Redis slow: p99 {_span(value)} on {subject}",
        Kind.LOOP_LAG: f"{subject} event loop {_span(value)} late",
        Kind.DELIVERY_SLOW: f"push p99 {_span(value)}",
        Kind.PROVIDER_SLOW: f"{subject} slow: p95 {_span(value)}",
        Kind.DELIVERIES_HELD: f"{subject}: {value:.0f} held",
        Kind.QUEUE_GROWING: f"{subject} queue: {value:.0f} waiting",
        Kind.DEAD_LETTERS_GROWING: f"{value:.0f} dead letters in ten minutes",
        Kind.KAFKA_LAG: f"Kafka {value:.0f} messages behind",
        Kind.CLOCK_SKEW: f"{subject} clock {_span(value)} off",
        Kind.FLOOD: f"{subject} floods: {value:.0f} notifications/s",
    }
    return texts[kind]


def _span(seconds: float) -> str:
    return (
        f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} m"
    )


def _age(since: float | None, now: float) -> str:
    """` 9m`: for how long, in one unit; empty where that is not known."""
    if since is None:
        return ""
    seconds = max(0, round(now - since))
    if seconds < 60:
        return f" {seconds}s"
    if seconds < HOUR:
        return f" {seconds // 60}m"
    return f" {seconds // HOUR}h" if seconds < 48 * HOUR else f" {seconds // (24 * HOUR)}d"
