"""The channel `inapp`: deliveries that end in the inbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from notifier.domain.users import User, parse_user_key
from notifier.errors import ErrorCode, NotifierError
from notifier.providers.base import Message, Provider, ProviderError


class Inapp(Provider):
    """Writes to the inbox under the delivery's own id, so that a repeat is the same notification."""

    schemes = ()

    def __init__(self, publish: Callable[[str, User, Message], Awaitable[None]]) -> None:
        """`publish` stores a notification under an id; raises `NotifierError`."""
        super().__init__("inbox")
        self._publish = publish

    async def send(self, message: Message) -> str:
        user = parse_user_key(message.to)
        if user is None:
            raise ProviderError("no_address", "not a user key", permanent=True)
        try:
            await self._publish(message.id, user, message)
        except NotifierError as error:
            raise ProviderError(error.code, error.message, permanent=error.code is not ErrorCode.UNAVAILABLE) from None
        return message.id
