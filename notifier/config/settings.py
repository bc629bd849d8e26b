"""The settings: one annotated field each, which `load`, the command line, the reference and `reload` follow."""

# Annotations are values here: the fields are read from them.
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from notifier.config.values import (
    Reader,
    address,
    choice,
    doors,
    duration,
    items,
    networks,
    number,
    origins,
    path,
    plain_name,
    pod_name,
    rate,
    roles,
    share,
    size,
    store_address,
    text,
    user_pair,
    web_url,
)
from notifier.domain.origins import is_loopback, parse_host

DAY = 86400.0


class SettingsError(Exception):
    """A setting is wrong; the message names the variable, the value and what was expected."""


class Secret(str):
    """Text that does not show itself when a tree of settings is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'" if self else "''"


class Setting(NamedTuple):
    """Description of a field, beside its type; a field of `Secret` is never shown.

    `default` is text as a user would write it, or a function that finds the value on this machine. `read` checks the
    bounds and makes a value of the field's type. With `live` SIGHUP applies a change. A setting with a `flag` is an
    option of `notifier serve`.
    """

    default: str | Callable[[], Any]
    read: Reader
    meaning: str
    live: bool = False
    flag: str = ""


def user_data_folder() -> Path:
    """`notifier` in the folder for data of this user's programs (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "notifier"


def host_name() -> str:
    """This machine's name, with a hyphen for every character that a key or label may not have."""
    host = re.sub(r"[^A-Za-z0-9._\-]", "-", socket.gethostname())[:100]
    return host if host[:1].isalnum() else "pod"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, one attribute per variable in lower case.

    Durations are seconds, sizes bytes, lists tuples, rates a number and its window; `off` is None.
    """

    server_addr: Annotated[
        str,
        Setting(
            ":8080",
            address,
            "address to listen on, host:port or :port; HTTP_PORT and PORT are taken too",
            flag="--addr",
        ),
    ]
    redis_addr: Annotated[
        str,
        Setting(
            "",
            store_address,
            "address of the store, host:port or a URL (see Cluster); empty starts the embedded server",
            flag="--redis-addr",
        ),
    ]
    redis_password: Annotated[Secret, Setting("", text, "password of the store")]
    redis_db: Annotated[int, Setting("0", number(0, 1_000_000), "database of the store")]
    data_dir: Annotated[Path, Setting(user_data_folder, path, "folder of the embedded Redis", flag="--data-dir")]
    redis_fsync: Annotated[
        str, Setting("everysec", choice("everysec", "always"), "when the embedded Redis' file is synced")
    ]
    disk_reserve: Annotated[
        int, Setting("64MiB", size(0, 1024**4), "disk space kept for the embedded Redis' file; 0: none")
    ]
    pod_id: Annotated[
        str, Setting(host_name, pod_name, "name of this instance; the host's name by default", flag="--pod-id")
    ]
    roles: Annotated[
        tuple[str, ...],
        Setting("http,delivery,kafka", roles, "what this instance does: any of http, delivery, kafka", flag="--roles"),
    ]
    log_level: Annotated[
        str, Setting("info", choice("debug", "info", "warning", "error"), "lowest level that is logged", live=True)
    ]
    log_format: Annotated[
        str, Setting("auto", choice("auto", "json", "text"), "auto: coloured on a terminal, else JSON")
    ]
    shutdown_timeout: Annotated[
        float, Setting("30s", duration(0, 3600), "longest drain before the process ends", live=True)
    ]
    notification_ttl: Annotated[
        float, Setting("15m", duration(1, 365 * DAY), "default lifetime of a payload, up to 365d", live=True)
    ]
    stream_maxlen: Annotated[int, Setting("100", number(1, 1000), "notifications kept per inbox, 1-1,000", live=True)]
    lean_path: Annotated[
        str, Setting("on", choice("on", "off"), "plain commands in place of scripts where one instance serves a user")
    ]
    lock_ttl: Annotated[float, Setting("60s", duration(3, 3600), "lifetime of an instance's lock on a user's stream")]
    heartbeat_interval: Annotated[float, Setting("30s", duration(0.1, 600), "time between heartbeats")]
    janitor_interval: Annotated[
        float, Setting("60s", duration(0.1, 3600), "time between rounds of the janitor and the trimmer")
    ]
    presence_ttl: Annotated[float, Setting("6s", duration(0.3, 600), "an instance not heard of for so long is dead")]
    idempotency_ttl: Annotated[
        float, Setting("24h", duration(1, 30 * DAY), "lifetime of an idempotency key", live=True)
    ]
    kafka_brokers: Annotated[tuple[str, ...], Setting("", items, "Kafka brokers, with commas between; empty: no Kafka")]
    kafka_topic: Annotated[str, Setting("notifications", plain_name, "Kafka topic that is consumed")]
    consumer_group: Annotated[str, Setting("notification-service", plain_name, "Kafka consumer group")]
    rate_limit_per_user: Annotated[
        int, Setting("10", number(1, 1_000_000), "deliveries sent per user and RATE_LIMIT_WINDOW", live=True)
    ]
    rate_limit_window: Annotated[float, Setting("1m", duration(1, DAY), "window of RATE_LIMIT_PER_USER", live=True)]
    rate_limit_policy: Annotated[
        str, Setting("defer", choice("defer", "drop"), "defer or drop deliveries over RATE_LIMIT_PER_USER", live=True)
    ]
    rate_limit_per_channel: Annotated[
        int, Setting("100", number(1, 1_000_000), "sends per second and channel", live=True)
    ]
    api_rate_limit: Annotated[
        tuple[int, float] | None, Setting("100/1m", rate, "accepted deliveries per user, over all endpoints", live=True)
    ]
    notify_rate_limit: Annotated[
        tuple[int, float] | None, Setting("off", rate, "accepted notifications per target user", live=True)
    ]
    sms_workers: Annotated[int, Setting("5", number(1, 1000), "concurrent sends of sms")]
    email_workers: Annotated[int, Setting("5", number(1, 1000), "concurrent sends of email")]
    push_workers: Annotated[int, Setting("5", number(1, 1000), "concurrent sends of push")]
    worker_count: Annotated[int, Setting("10", number(1, 1000), "concurrent sends of every other channel")]
    max_queue_size: Annotated[
        int, Setting("1000", number(1, 1_000_000), "deliveries leased and not finished, per instance")
    ]
    retry_attempts: Annotated[int, Setting("3", number(0, 10), "retries after the first try", live=True)]
    retry_backoff_1: Annotated[float, Setting("5s", duration(0, DAY), "wait before the first retry", live=True)]
    retry_backoff_2: Annotated[float, Setting("30s", duration(0, DAY), "wait before the second", live=True)]
    retry_backoff_3: Annotated[
        float, Setting("120s", duration(0, DAY), "wait before the third and later ones", live=True)
    ]
    retry_delay: Annotated[
        float | None,
        Setting(
            "off", duration(0, DAY, off=True), "first wait of a series that doubles, instead of those three", live=True
        ),
    ]
    retry_interval: Annotated[float, Setting("10s", duration(0.01, 3600), "longest delay of a due retry")]
    scheduler_interval: Annotated[float, Setting("5s", duration(0.01, 3600), "longest delay of a scheduled delivery")]
    delivery_lease: Annotated[
        float, Setting("30s", duration(1, 3600), "an unfinished delivery is taken over after so long")
    ]
    delivery_retention: Annotated[
        float, Setting("15d", duration(60, 366 * DAY), "lifetime of delivery records", live=True)
    ]
    breaker_failures: Annotated[
        int, Setting("5", number(1, 1000), "failures in a row that open a provider's circuit", live=True)
    ]
    breaker_reset: Annotated[
        float, Setting("30s", duration(0.1, DAY), "time until an open circuit is probed", live=True)
    ]
    problem_delivery_p99: Annotated[
        float, Setting("500ms", duration(0.001, 3600), "a slower 99th percentile of pushes is a problem", live=True)
    ]
    problem_store_p99: Annotated[
        float, Setting("100ms", duration(0.001, 60), "a slower 99th percentile of Redis is a problem", live=True)
    ]
    problem_loop_lag: Annotated[
        float, Setting("100ms", duration(0.001, 60), "an event loop that is later is a problem", live=True)
    ]
    problem_provider_p95: Annotated[
        float, Setting("2s", duration(0.001, 60), "a provider's slower 95th percentile is a problem", live=True)
    ]
    problem_clock_skew: Annotated[
        float, Setting("1s", duration(0.01, DAY), "a clock further from Redis' clock is a problem", live=True)
    ]
    problem_queue: Annotated[
        int, Setting("1000", number(1, 1_000_000_000), "more waiting deliveries on a channel are a problem", live=True)
    ]
    problem_dead_letters: Annotated[
        int, Setting("10", number(0, 1_000_000_000), "more dead letters in ten minutes are a problem", live=True)
    ]
    problem_kafka_lag: Annotated[
        int, Setting("10000", number(0, 1_000_000_000_000), "more unread messages of Kafka are a problem", live=True)
    ]
    problem_flood: Annotated[
        int,
        Setting("100", number(1, 1_000_000_000), "more notifications a second of one source are a problem", live=True),
    ]
    session_ttl: Annotated[
        float, Setting("24h", duration(60, 366 * DAY), "lifetime of each address of a user, renewed when it is used")
    ]
    provider_sms: Annotated[tuple[Secret, ...], Setting("", items, "provider URLs, in order of failover")]
    provider_email: Annotated[tuple[Secret, ...], Setting("", items, "provider URLs, in order of failover")]
    provider_webhook: Annotated[tuple[Secret, ...], Setting("", items, "provider URLs, in order of failover")]
    provider_push_ios: Annotated[tuple[Secret, ...], Setting("", items, "provider URLs, in order of failover")]
    provider_push_android: Annotated[tuple[Secret, ...], Setting("", items, "provider URLs, in order of failover")]
    provider_push_web: Annotated[tuple[Secret, ...], Setting("", items, "provider URLs, in order of failover")]
    provider_base_url: Annotated[str, Setting("", text, "webhook-style provider where none of the above is set")]
    simulator_success_rate: Annotated[float, Setting("0.95", share, "share of the simulator's sends that succeed")]
    simulator_latency: Annotated[float, Setting("50ms", duration(0, 60), "time of each of the simulator's sends")]
    webhook_secret: Annotated[Secret, Setting("", text, "Standard Webhooks secret")]
    webhook_allow_private: Annotated[
        tuple[str, ...], Setting("", networks, "private networks that recipients' URLs may name")
    ]
    auth_mode: Annotated[
        str, Setting("none", choice("none", "token"), "token: a key or token is needed; none: anybody may call")
    ]
    jwt_secret: Annotated[Secret, Setting("", text, "secret of HS256 tokens, 32 bytes or more")]
    jwks_url: Annotated[str, Setting("", web_url, "URL of the keys of other tokens")]
    admin_token: Annotated[Secret, Setting("", text, "a key with every scope")]
    allowed_origins: Annotated[tuple[str, ...], Setting("", origins, "allowed origins beside the own host; * is any")]
    doors: Annotated[
        tuple[str, ...],
        Setting("ntfy,gotify,apprise,hooks", doors, "other programs' protocols that are spoken here, or none"),
    ]
    door_default_target: Annotated[
        str, Setting("1:test_user", user_pair, "with AUTH_MODE=none: who gets what names nobody")
    ]
    public_url: Annotated[str, Setting("", web_url, "this server's address in links, with scheme and host")]
    ntfy_read_action: Annotated[
        str, Setting("on", choice("on", "off"), 'a button "Mark read" in ntfy\'s apps; needs PUBLIC_URL')
    ]
    tls_cert: Annotated[str, Setting("", text, "certificate file (PEM)")]
    tls_key: Annotated[str, Setting("", text, "key file (PEM)")]
    max_body: Annotated[int, Setting("1MiB", size(1024, 1024**3), "largest request body")]
    max_frame: Annotated[int, Setting("64KiB", size(1024, 64 * 1024**2), "largest WebSocket message")]
    max_connections_per_user: Annotated[
        int, Setting("32", number(1, 1_000_000), "WebSocket connections per user, on one instance")
    ]
    max_connections_per_address: Annotated[
        int,
        Setting("1000", number(1, 1_000_000), "WebSocket connections per address, on one instance; loopback is exempt"),
    ]
    send_buffer: Annotated[int, Setting("1MiB", size(16 * 1024, 1024**3), "bytes that may wait for one connection")]
    kafka: dict[str, Secret] = {}  # options of librdkafka, from the file alone

    @property
    def host(self) -> str:
        """The address to listen on; a bare port is `127.0.0.1` with `AUTH_MODE=none`, else all (contract §10)."""
        host = self.server_addr.rpartition(":")[0].strip("[]")
        return host or ("127.0.0.1" if self.auth_mode == "none" else "")

    @property
    def hosts(self) -> tuple[str, ...]:
        """All addresses to listen on: a bare port, and `localhost`, stand for IPv4 and IPv6."""
        named = self.server_addr.rpartition(":")[0].strip("[]")
        if named not in ("", "localhost"):
            return (named,)
        return ("127.0.0.1", "::1") if self.host else ("0.0.0.0", "::")

    @property
    def loopback_only(self) -> bool:
        """True with `AUTH_MODE=none` on a loopback address: then only names of this machine are answered
        (contract §10)."""
        host = parse_host(f"[{self.host}]" if ":" in self.host else self.host)
        return self.auth_mode == "none" and host is not None and is_loopback(host.name)

    @property
    def reads_kafka(self) -> bool:
        """True when this instance takes part in the consumer group."""
        return bool(self.kafka_brokers) and "kafka" in self.roles

    @property
    def port(self) -> int:
        """The port to listen on; with 0 the system chooses."""
        return int(self.server_addr.rpartition(":")[2])


class Definition(NamedTuple):
    """A field of `Settings` with its description."""

    name: str
    kind: Any
    setting: Setting

    @property
    def variable(self) -> str:
        """The variable of the environment."""
        return self.name.upper()

    @property
    def flag(self) -> str:
        """The flag of the command line, as an error names it."""
        return self.setting.flag or f"--{self.name.replace('_', '-')}"

    @property
    def live(self) -> bool:
        """True when SIGHUP applies a change."""
        return self.setting.live

    @property
    def secret(self) -> bool:
        """True when the value is never shown."""
        return Secret in (self.kind, *get_args(self.kind))

    @property
    def default(self) -> Any:
        """The value of a setting that is not set; empty text stands for the type's empty value."""
        default = self.setting.default
        if callable(default):
            return default()
        return self.read(default) if default else (get_origin(self.kind) or self.kind)()

    def read(self, value: Any) -> Any:
        """A checked value; raises `ValueError` with what was expected."""
        found = self.setting.read(value)
        if not self.secret:
            return found
        return tuple(map(Secret, found)) if isinstance(found, tuple) else Secret(found)


def _definitions() -> tuple[Definition, ...]:
    hints = get_type_hints(Settings, include_extras=True)
    return tuple(Definition(name, *get_args(hints[name])) for name in Settings.__struct_fields__ if name != "kafka")


DEFINITIONS = _definitions()
