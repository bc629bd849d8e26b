"""What HTTP answers of providers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from notifier.providers.base import ProviderError
from notifier.providers.ssrf import PrivateAddress

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER = 16 * 1024  # bytes of an answer that are read
MAX_WAIT = 86400.0
AGAIN = frozenset({408, 425, 429})  # refusals that another try may change


class Answer:
    """Status, headers (lower case) and the first 16 KiB of the body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def document(self) -> dict[str, Any]:
        """The body where it is a JSON object, else an empty one."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def text(self) -> str:
        """The body as text for an error, without control characters."""
        text = self.body[:300].decode("utf-8", "replace")
        return "".join(char if char.isprintable() else " " for char in text).strip()


async def call(session: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Answer:
    """Makes a request, and follows no redirect. Raises `ProviderError` when there is no answer."""
    import aiohttp

    try:
        async with session.request(method, url, allow_redirects=False, **options) as answer:
            body = await answer.content.read(MAX_ANSWER)
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)
    except TimeoutError:
        raise ProviderError("timeout", "no answer in time") from None
    except aiohttp.InvalidURL:
        raise ProviderError("invalid_url", "not a URL", permanent=True) from None
    except (aiohttp.ClientError, OSError) as error:
        if _is_private(error):
            raise ProviderError("blocked", "the address is private", permanent=True) from None
        raise ProviderError("connect", type(error).__name__) from None


def _is_private(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, PrivateAddress) or isinstance(getattr(error, "os_error", None), PrivateAddress):
            return True
        if isinstance(error, BaseExceptionGroup):
            return any(map(_is_private, error.exceptions))
        error = error.__cause__ or error.__context__
    return False


def check(answer: Answer, now: float, reason: str = "") -> None:
    """Raises `ProviderError` unless the answer is a success: permanent for a `4xx` that another try does not change.

    `reason` is the service's own word, where it has one; `now` is Unix seconds.
    """
    if 200 <= answer.status < 300:
        return
    permanent = 300 <= answer.status < 500 and answer.status not in AGAIN
    kind = "throttled" if answer.status == 429 else "rejected" if permanent else "server_error"
    said = f"{answer.status} {answer.text}" if answer.text else str(answer.status)
    raise ProviderError(reason or kind, said, permanent=permanent, retry_after=retry_after(answer, now))


def retry_after(answer: Answer, now: float) -> float | None:
    """Seconds of `Retry-After`, given as such or as a date (RFC 9110 §10.2.3); None where it says nothing sensible."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text) if text.isdecimal() else parsedate_to_datetime(text).timestamp() - now
    except ValueError:
        return None
    return min(MAX_WAIT, max(0.0, seconds))
