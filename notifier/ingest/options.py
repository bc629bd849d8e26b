"""The options of librdkafka: the program's, the operator's over them, and what nobody may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from notifier.errors import ErrorCode, NotifierError

Options = dict[str, str | int | bool]

# What the operator may set otherwise, under `kafka:` in the file.
DEFAULTS: Options = {
    "auto.offset.reset": "earliest",  # a group that begins must not lose what already waits
    "partition.assignment.strategy": "cooperative-sticky",  # a pod that joins stops nobody else's partitions
    "session.timeout.ms": 10_000,  # a killed pod's partitions wait for so long; librdkafka's own is 45 s
    "heartbeat.interval.ms": 2_000,
    "auto.commit.interval.ms": 1_000,
    "queued.min.messages": 10_000,  # fetched ahead; by itself librdkafka takes 100,000 and 64 MiB
    "queued.max.messages.kbytes": 16_384,
    "fetch.queue.backoff.ms": 20,  # with the queue so short, a second's pause would leave it empty
    "topic.metadata.refresh.interval.ms": 30_000,  # a topic that is made later is found
    "reconnect.backoff.max.ms": 2_000,
    "statistics.interval.ms": 1_000,  # health's view of the brokers
}
# On these rests that an offset is committed only when what stands before it is stored.
FIXED: Options = {
    "enable.auto.commit": True,
    "enable.auto.offset.store": False,
    "enable.partition.eof": False,
}


def options_of(brokers: Sequence[str], group: str, client: str, extra: Mapping[str, str]) -> Options:
    """The options of a consumer; raises `NotifierError(invalid)` for one that belongs to the program."""
    own: Options = {"bootstrap.servers": ",".join(brokers), "group.id": group, "client.id": client}
    for name in extra:
        if name in FIXED or name in ("bootstrap.servers", "group.id"):
            raise NotifierError(ErrorCode.INVALID, f"kafka.{name}: is set by the program itself")
    return {**DEFAULTS, **own, **extra, **FIXED}


def check_options(options: Options) -> None:
    """Raises `NotifierError(invalid)` with what librdkafka has against the options. Connects to nobody."""
    from confluent_kafka import Consumer, KafkaException

    alone = {name: value for name, value in options.items() if name != "bootstrap.servers"}
    try:
        Consumer(alone, logger=Silence()).close()
    except (KafkaException, ValueError, TypeError) as error:
        raise NotifierError(ErrorCode.INVALID, f"kafka: {_text(error)}") from None


def _text(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return " ".join((reason.str() if hasattr(reason, "str") else str(reason)).split())[:300]


class Silence:
    """A logger for what is only tried out."""

    def log(self, level: int, form: str, *parts: object) -> None:
        """Takes a line and says nothing."""
