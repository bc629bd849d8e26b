"""Policies of the parts, made from the settings: at the start, and again at SIGHUP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from notifier.config import Settings
from notifier.delivery.breakers import BreakerPolicy
from notifier.domain.channels import CHANNELS
from notifier.domain.problems import Thresholds
from notifier.domain.retry import RetryPolicy
from notifier.service.accept import AcceptPolicy
from notifier.service.limit import DeliveryLimit, UserLimit
from notifier.store.delivery_records import LeaseTerms
from notifier.store.inbox_values import InboxPolicy
from notifier.store.limits import Limits


def inbox_policy(settings: Settings) -> InboxPolicy:
    """`NOTIFICATION_TTL` and `STREAM_MAXLEN`."""
    return InboxPolicy(round(settings.notification_ttl * 1000), settings.stream_maxlen)


def notify_limit(settings: Settings, limits: Limits) -> UserLimit | None:
    """`NOTIFY_RATE_LIMIT`."""
    rate = settings.notify_rate_limit
    return None if rate is None else UserLimit(limits, rate)


def accept_policy(settings: Settings, limits: Limits) -> AcceptPolicy:
    """`RETRY_ATTEMPTS` and `API_RATE_LIMIT`."""
    rate = settings.api_rate_limit
    limit = None if rate is None else DeliveryLimit(limits, rate)
    return AcceptPolicy(settings.retry_attempts, limit)


def breaker_policy(settings: Settings) -> BreakerPolicy:
    """`BREAKER_FAILURES` and `BREAKER_RESET`."""
    return BreakerPolicy(settings.breaker_failures, settings.breaker_reset)


def retry_policy(settings: Settings) -> RetryPolicy:
    """`RETRY_BACKOFF_1` to `3`, and `RETRY_DELAY`."""
    backoff = (settings.retry_backoff_1, settings.retry_backoff_2, settings.retry_backoff_3)
    return RetryPolicy(backoff, settings.retry_delay)


def user_rate(settings: Settings) -> tuple[int, float]:
    """`RATE_LIMIT_PER_USER` and its window in seconds."""
    return settings.rate_limit_per_user, settings.rate_limit_window


def lease_terms(settings: Settings) -> LeaseTerms:
    """`RATE_LIMIT_PER_CHANNEL`, and the limit per user with its policy."""
    return LeaseTerms(settings.rate_limit_per_channel, *user_rate(settings), settings.rate_limit_policy)


def problem_thresholds(settings: Settings) -> Thresholds:
    """`PROBLEM_DELIVERY_P99` and the like."""
    return Thresholds(*(getattr(settings, f"problem_{name}") for name in Thresholds._fields))


def slots_of(settings: Settings) -> dict[str, int]:
    """Concurrent sends by channel: `SMS_WORKERS` and the like; `WORKER_COUNT` for channels without their own."""
    own = {"sms": settings.sms_workers, "email": settings.email_workers, "push": settings.push_workers}
    return {channel: own.get(channel, settings.worker_count) for channel in CHANNELS}


def provider_urls(settings: Settings) -> Mapping[str, Sequence[str]]:
    """`PROVIDER_SMS` and the like, by route."""
    return {
        "sms": settings.provider_sms,
        "email": settings.provider_email,
        "webhook": settings.provider_webhook,
        "push:ios": settings.provider_push_ios,
        "push:android": settings.provider_push_android,
        "push:web": settings.provider_push_web,
    }
