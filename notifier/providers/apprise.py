"""Whatever Apprise knows, as an optional extra."""

from __future__ import annotations

import asyncio
from typing import Any

from notifier.providers.base import Message, Provider, ProviderError, SetupError
from notifier.providers.mail import one_line
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl


class Apprise(Provider):
    """`apprise://SERVICE/…`: an URL of Apprise's after `apprise://`, such as `apprise://slack://TokenA/TokenB/TokenC`
    or `apprise://json://host/path`. Needs `pip install notifier[apprise]`.

    Apprise says only whether it worked, so that every failure may be repeated.
    """

    schemes = ("apprise",)

    def __init__(self, url: ProviderUrl, channel: str, tools: Tools) -> None:
        inner = url.after_scheme
        library = _library()
        service = library.Apprise.instantiate(inner, suppress_exceptions=True)
        if service is None:
            raise url.error("Apprise does not know this URL")
        super().__init__(f"apprise:{inner.partition(':')[0][:32]}")
        self._library = library
        self._service = service

    async def send(self, message: Message) -> str:
        title, body = one_line(message.subject), message.content  # services put the title into headers
        if not await asyncio.to_thread(self._service.send, body=body, title=title):
            raise ProviderError("server_error", "Apprise could not send it")
        return ""


def _library() -> Any:
    try:
        import apprise  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise SetupError("apprise:// needs the extra: pip install 'notifier[apprise]'") from None
    return apprise
