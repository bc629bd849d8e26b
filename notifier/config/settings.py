"""Every setting: its variable, how it is read, its default, what it means, and whether it can change while running."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from notifier.config import values
from notifier.config.values import Reader
from notifier.domain.origins import is_loopback, parse_host


class SettingsError(Exception):
    """A setting is wrong; the message names the variable, the value and what was expected."""


class Secret(str):
    """Text that does not show itself when a tree of settings is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'" if self else "''"


class Definition(NamedTuple):
    """One setting. `default` is text as a user would write it; None stands for what `_computed` finds."""

    variable: str
    read: Reader
    default: str | None
    meaning: str
    live: bool = False
    secret: bool = False

    @property
    def name(self) -> str:
        """The attribute of `Settings` and the key in the file."""
        return self.variable.lower()


D = Definition
_TEXT, _ITEMS = values.text, values.items
DAY = 86400.0

DEFINITIONS: tuple[Definition, ...] = (
    D("SERVER_ADDR", values.address, ":8080", "host:port or :port to listen on; HTTP_PORT and PORT are taken too"),
    D("REDIS_ADDR", values.store_address, "", "host:port or a URL (see Cluster); empty starts the embedded server"),
    D("REDIS_PASSWORD", _TEXT, "", "password of the store", secret=True),
    D("REDIS_DB", values.number(0, 1_000_000), "0", "database of the store"),
    D("DATA_DIR", values.path, None, "folder of the embedded Redis"),
    D("REDIS_FSYNC", values.choice("everysec", "always"), "everysec", "when the embedded Redis' file is synced"),
    D("DISK_RESERVE", values.size(0, 1024**4), "64MiB", "disk space kept for the embedded Redis' file; 0: none"),
    D("POD_ID", values.pod_name, None, "name of this process; the host's by default"),
    D("ROLES", values.roles, "http,delivery,kafka", "what this pod does"),
    D("LOG_LEVEL", values.choice("debug", "info", "warning", "error"), "info", "least level that is logged", live=True),
    D("LOG_FORMAT", values.choice("auto", "json", "text"), "auto", "auto: coloured on a terminal, else JSON"),
    D("SHUTDOWN_TIMEOUT", values.duration(0, 3600), "30s", "for the drain before the process ends", live=True),
    D("NOTIFICATION_TTL", values.duration(1, 15 * DAY), "15m", "life of a payload that nobody chose", live=True),
    D("STREAM_MAXLEN", values.number(1, 100), "100", "notifications kept per inbox", live=True),
    D("LOCK_TTL", values.duration(3, 3600), "60s", "life of a pod's hold on a user's stream"),
    D("HEARTBEAT_INTERVAL", values.duration(0.1, 600), "30s", "between heartbeats"),
    D("JANITOR_INTERVAL", values.duration(0.1, 3600), "60s", "between rounds of the janitor and the trimmer"),
    D("PRESENCE_TTL", values.duration(0.3, 600), "6s", "a pod not heard of for so long is dead"),
    D("IDEMPOTENCY_TTL", values.duration(1, 30 * DAY), "24h", "how long an idempotency key is remembered", live=True),
    D("KAFKA_BROKERS", _ITEMS, "", "brokers; empty: no Kafka"),
    D("KAFKA_TOPIC", values.plain_name, "notifications", "topic that is consumed"),
    D("CONSUMER_GROUP", values.plain_name, "notification-service", "consumer group"),
    D("RATE_LIMIT_PER_USER", values.number(1, 1_000_000), "10", "deliveries per user and window", live=True),
    D("RATE_LIMIT_WINDOW", values.duration(1, DAY), "1m", "that window", live=True),
    D("RATE_LIMIT_POLICY", values.choice("defer", "drop"), "defer", "what happens over that limit", live=True),
    D("RATE_LIMIT_PER_CHANNEL", values.number(1, 1_000_000), "100", "sends per second and channel", live=True),
    D("API_RATE_LIMIT", values.rate, "100/1m", "accepted deliveries per user at the doors", live=True),
    D("NOTIFY_RATE_LIMIT", values.rate, "off", "accepted notifications per target user", live=True),
    D("SMS_WORKERS", values.number(1, 1000), "5", "concurrent sends"),
    D("EMAIL_WORKERS", values.number(1, 1000), "5", "concurrent sends"),
    D("PUSH_WORKERS", values.number(1, 1000), "5", "concurrent sends"),
    D("WORKER_COUNT", values.number(1, 1000), "10", "concurrent sends of every other channel"),
    D("MAX_QUEUE_SIZE", values.number(1, 1_000_000), "1000", "deliveries leased and not finished, per pod"),
    D("RETRY_ATTEMPTS", values.number(0, 10), "3", "retries after the first try", live=True),
    D("RETRY_BACKOFF_1", values.duration(0, DAY), "5s", "before the first retry", live=True),
    D("RETRY_BACKOFF_2", values.duration(0, DAY), "30s", "before the second", live=True),
    D("RETRY_BACKOFF_3", values.duration(0, DAY), "120s", "before the third and later ones", live=True),
    D(
        "RETRY_DELAY",
        values.duration(0, DAY, off=True),
        "off",
        "replaces the three by a series that doubles",
        live=True,
    ),
    D("RETRY_INTERVAL", values.duration(0.01, 3600), "10s", "how late a due retry may start"),
    D("SCHEDULER_INTERVAL", values.duration(0.01, 3600), "5s", "how late a scheduled delivery may start"),
    D("DELIVERY_LEASE", values.duration(1, 3600), "30s", "an unfinished delivery is taken over after"),
    D("DELIVERY_RETENTION", values.duration(60, 366 * DAY), "15d", "life of delivery records", live=True),
    D("BREAKER_FAILURES", values.number(1, 1000), "5", "failures in a row that open a provider's circuit", live=True),
    D("BREAKER_RESET", values.duration(0.1, DAY), "30s", "until an open circuit is probed", live=True),
    D("SESSION_TTL", values.duration(60, 366 * DAY), "24h", "life of each address of a user, renewed when it is used"),
    D("PROVIDER_SMS", _ITEMS, "", "URLs in order of failover", secret=True),
    D("PROVIDER_EMAIL", _ITEMS, "", "URLs in order of failover", secret=True),
    D("PROVIDER_WEBHOOK", _ITEMS, "", "URLs in order of failover", secret=True),
    D("PROVIDER_PUSH_IOS", _ITEMS, "", "URLs in order of failover", secret=True),
    D("PROVIDER_PUSH_ANDROID", _ITEMS, "", "URLs in order of failover", secret=True),
    D("PROVIDER_PUSH_WEB", _ITEMS, "", "URLs in order of failover", secret=True),
    D("PROVIDER_BASE_URL", _TEXT, "", "webhook-style provider where none of the above is set"),
    D("SIMULATOR_SUCCESS_RATE", values.share, "0.95", "of the simulator"),
    D("SIMULATOR_LATENCY", values.duration(0, 60), "50ms", "of the simulator"),
    D("WEBHOOK_SECRET", _TEXT, "", "Standard Webhooks secret", secret=True),
    D("WEBHOOK_ALLOW_PRIVATE", values.networks, "", "private networks that recipients' URLs may name"),
    D("AUTH_MODE", values.choice("none", "token"), "none", "who may call: anybody, or who has a token"),
    D("JWT_SECRET", _TEXT, "", "secret of HS256 tokens, 32 bytes or more", secret=True),
    D("JWKS_URL", values.web_url, "", "where the keys of other tokens are"),
    D("ADMIN_TOKEN", _TEXT, "", "a key with every scope", secret=True),
    D("ALLOWED_ORIGINS", values.origins, "", "origins beside the own host; * is any"),
    D("TLS_CERT", _TEXT, "", "certificate file (PEM)"),
    D("TLS_KEY", _TEXT, "", "key file (PEM)"),
    D("MAX_BODY", values.size(1024, 1024**3), "1MiB", "bytes of a request's body"),
    D("MAX_FRAME", values.size(1024, 64 * 1024**2), "64KiB", "bytes of a WebSocket message"),
    D("MAX_CONNECTIONS_PER_USER", values.number(1, 1_000_000), "32", "on one pod"),
    D("MAX_CONNECTIONS_PER_ADDRESS", values.number(1, 1_000_000), "1000", "on one pod; loopback is exempt"),
    D("SEND_BUFFER", values.size(16 * 1024, 1024**3), "1MiB", "bytes that may wait for one connection"),
)


def _computed(name: str) -> Any:
    if name == "data_dir":
        return _user_data_folder()
    host = re.sub(r"[^A-Za-z0-9._\-]", "-", socket.gethostname())[:100]
    return host if host[:1].isalnum() else "pod"


def _user_data_folder() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "notifier"


def default_of(definition: Definition) -> Any:
    """The value of a setting that nobody set."""
    if definition.default is None:
        return _computed(definition.name)
    return (
        definition.read(definition.default) if definition.default or definition.read in _EMPTY else definition.default
    )


_EMPTY = (values.items, values.networks, values.origins)


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is common to all settings: the address taken apart."""

    @property
    def host(self) -> str:
        """Where to listen: a bare port is this machine only while nobody has to say who he is (contract §10)."""
        host = self.server_addr.rpartition(":")[0].strip("[]")  # type: ignore[attr-defined]
        return host or ("127.0.0.1" if self.auth_mode == "none" else "")  # type: ignore[attr-defined]

    @property
    def hosts(self) -> tuple[str, ...]:
        """All addresses to listen on: a bare port, and `localhost`, stand for IPv4 and IPv6."""
        named = self.server_addr.rpartition(":")[0].strip("[]")  # type: ignore[attr-defined]
        if named not in ("", "localhost"):
            return (named,)
        return ("127.0.0.1", "::1") if self.host else ("0.0.0.0", "::")

    @property
    def loopback_only(self) -> bool:
        """Whether this machine alone is served, without tokens: then by names of this machine (contract §10)."""
        host = parse_host(f"[{self.host}]" if ":" in self.host else self.host)
        none = self.auth_mode == "none"  # type: ignore[attr-defined]
        return none and host is not None and is_loopback(host.name)

    @property
    def reads_kafka(self) -> bool:
        """Whether this pod takes part in the consumer group."""
        return bool(self.kafka_brokers) and "kafka" in self.roles  # type: ignore[attr-defined]

    @property
    def port(self) -> int:
        """The port to listen on; 0 lets the system choose."""
        return int(self.server_addr.rpartition(":")[2])  # type: ignore[attr-defined]


class Settings(_Settings, frozen=True, kw_only=True):
    """All settings, one attribute per variable in lower case.

    Durations are seconds, sizes bytes, lists tuples; `off` is None.
    """

    server_addr: str
    redis_addr: str
    redis_password: Secret
    redis_db: int
    data_dir: Path
    redis_fsync: str
    disk_reserve: int
    pod_id: str
    roles: tuple[str, ...]
    log_level: str
    log_format: str
    shutdown_timeout: float
    notification_ttl: float
    stream_maxlen: int
    lock_ttl: float
    heartbeat_interval: float
    janitor_interval: float
    presence_ttl: float
    idempotency_ttl: float
    kafka_brokers: tuple[str, ...]
    kafka_topic: str
    consumer_group: str
    rate_limit_per_user: int
    rate_limit_window: float
    rate_limit_policy: str
    rate_limit_per_channel: int
    api_rate_limit: tuple[int, float] | None
    notify_rate_limit: tuple[int, float] | None
    sms_workers: int
    email_workers: int
    push_workers: int
    worker_count: int
    max_queue_size: int
    retry_attempts: int
    retry_backoff_1: float
    retry_backoff_2: float
    retry_backoff_3: float
    retry_delay: float | None
    retry_interval: float
    scheduler_interval: float
    delivery_lease: float
    delivery_retention: float
    breaker_failures: int
    breaker_reset: float
    session_ttl: float
    provider_sms: tuple[Secret, ...]
    provider_email: tuple[Secret, ...]
    provider_webhook: tuple[Secret, ...]
    provider_push_ios: tuple[Secret, ...]
    provider_push_android: tuple[Secret, ...]
    provider_push_web: tuple[Secret, ...]
    provider_base_url: str
    simulator_success_rate: float
    simulator_latency: float
    webhook_secret: Secret
    webhook_allow_private: tuple[str, ...]
    auth_mode: str
    jwt_secret: Secret
    jwks_url: str
    admin_token: Secret
    allowed_origins: tuple[str, ...]
    tls_cert: str
    tls_key: str
    max_body: int
    max_frame: int
    max_connections_per_user: int
    max_connections_per_address: int
    send_buffer: int
    kafka: dict[str, Secret] = {}
