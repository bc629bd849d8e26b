"""Every service that Apprise knows, with the optional extra `notifier[apprise]`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from notifier.providers.base import Message, Provider, ProviderError, SetupError
from notifier.providers.mail import one_line
from notifier.providers.tools import Tools
from notifier.providers.url import ProviderUrl

THREADS = 16


class Apprise(Provider):
    """`apprise://SERVICE/…`: a URL of Apprise's after `apprise://`, such as `apprise://slack://TokenA/TokenB/TokenC`
    or `apprise://json://host/path`. Needs `pip install notifier[apprise]`.

    Apprise says only whether it worked, so that every failure may be repeated.
    """

    schemes = ("apprise",)
    passes_on = True
    has_port = False

    def __init__(self, url: ProviderUrl, route: str, tools: Tools) -> None:
        inner = url.after_scheme
        library = _library()
        service = library.Apprise.instantiate(inner, suppress_exceptions=True)
        if service is None:
            raise url.error("Apprise does not know this URL")
        super().__init__(f"apprise:{inner.partition(':')[0][:32]}")
        self._library = library
        self._service = service
        # Its own: a service that hangs would keep the threads in which the embedded Redis' file is written to the disk.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")

    async def send(self, message: Message) -> str:
        title, body = one_line(message.subject), message.content  # services put the title into headers
        send = partial(self._service.send, body=body, title=title)
        if not await asyncio.get_running_loop().run_in_executor(self._threads, send):
            raise ProviderError("server_error", "Apprise could not send it")
        return ""

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _library() -> Any:
    try:
        import apprise  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise SetupError("apprise:// needs the extra: pip install 'notifier[apprise]'") from None
    return apprise
