"""The contract of a provider: what it is given, what it answers, and how it says that it could not.

A provider tries once. When to try again, whom to ask instead and what is recorded are not its business; combinations
(`failover.py`) are providers too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from notifier.providers.parameters import Parameter

MAX_ERROR = 300  # characters of what a provider said that are kept


class Message(NamedTuple):
    """One send to one address.

    `key` is the idempotency key: the delivery's id, `<id>/2` for the second device and so on. `channel` is as in the
    API; `platform` is `ios`, `android`, `web`, `email`, `sms` or empty. `to` is the address (E.164, mailbox, device
    token, URL; a web subscription's endpoint); `subscription` is a web subscription's keys (`p256dh`, `auth`), else
    empty. `priority` is `high`, `normal` or `low`; `expires_at` is Unix seconds or None.
    """

    id: str
    key: str
    channel: str
    to: str
    subject: str
    content: str
    data: Mapping[str, Any]
    priority: str
    platform: str = ""
    subscription: Mapping[str, str] = {}
    expires_at: float | None = None


class ProviderError(Exception):
    """A send that did not succeed.

    `reason` is a short word of ours for metrics and the dead-letter queue (`rejected`, `unregistered`, `timeout`,
    `connect`, `throttled`, `server_error`, `blocked`, …); the text is what the provider said, shortened, without
    secrets. `permanent`: trying again is of no use. `retry_after` is in seconds. `unregistered`: the address is dead
    and is to be forgotten. `about_recipient`: the provider answered about this recipient alone (greylisting, a full
    mailbox), which says nothing about the next one. `unable`: this provider cannot take such a message (a mailbox
    beyond ASCII, a size), which another may. `gone_at`: since when an `unregistered` address is dead (Unix seconds),
    where the provider said so; what was registered later is not meant.
    """

    def __init__(
        self,
        reason: str,
        text: str = "",
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        unregistered: bool = False,
        about_recipient: bool = False,
        unable: bool = False,
        gone_at: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {text[:MAX_ERROR]}" if text else reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.unregistered = unregistered
        self.about_recipient = about_recipient
        self.unable = unable
        self.gone_at = gone_at


class SetupError(Exception):
    """A provider's URL or what it points to is of no use; the text says what was expected and holds no secret."""


class Provider(ABC):
    """An outside service that takes a message: built from a URL, checked once at start, closed at the end.

    A class with `schemes` is built as `Class(url, route, tools)` by `registry.build_provider`; combinations, which have
    none, are built in code. `parameters` are those of its URL: all others are refused, unless `passes_on` says that
    they belong to the URL of the service behind it. `has_port` is False where something else stands at its place.
    """

    schemes: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[Parameter[Any], ...]] = ()
    passes_on: ClassVar[bool] = False
    has_port: ClassVar[bool] = True

    def __init__(self, name: str) -> None:
        """`name` identifies it in logs, metrics and on screens: no secret, nothing that a user typed."""
        self.name = name

    def host(self, message: Message) -> str:
        """The recipient's host (`host:port`) where this provider calls that itself, and it may fail while the others'
        work; empty where one service takes all messages."""
        return ""

    async def check(self) -> None:  # noqa: B027
        """Checks the setup as far as that needs no message; raises `SetupError`."""

    @abstractmethod
    async def send(self, message: Message) -> str:
        """Tries once to send; the service's own id of the message, or empty. Raises `ProviderError`.

        Anything else that it raises is a defect; it is logged and counts as a retryable failure.
        """

    async def close(self) -> None:  # noqa: B027
        """Closes its connections."""
