"""Maps HTTP answers of providers to outcomes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from notifier.providers.base import ProviderError
from notifier.providers.bodies import BODY_TIMEOUT, read_body
from notifier.providers.ssrf import PrivateAddress
from notifier.providers.waits import retry_after

if TYPE_CHECKING:
    import aiohttp

MAX_WORD = 256  # characters of an id or a code that are kept
REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})
TOO_LARGE = 413  # for this service
AGAIN = frozenset({408, 425, 429})  # refusals that another try may change

_KINDS = {429: "throttled"} | dict.fromkeys(REDIRECTS, "redirected")


class Answer:
    """Status, headers (lower case; several of one name are joined by commas) and the first 64 KiB of the body."""

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


def joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by their names in lower case; several of one name joined by commas (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found


def word(value: object) -> str:
    """A service's own id or code as text: printable, at most 256 characters; empty unless it is a string or an integer.

    Whatever else stands in a field of an answer is no reason to fail: the send is judged by its status.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return "".join(char for char in str(value) if char.isprintable())[:MAX_WORD]


def number(value: object) -> float | None:
    """A finite number of an answer; None where anything else stands in its place."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # an integer of more than 308 digits
        return None
    return found if math.isfinite(found) else None


async def call(
    session: aiohttp.ClientSession, method: str, url: str, *, body_timeout: float = BODY_TIMEOUT, **options: Any
) -> Answer:
    """Makes a request, and follows no redirect. Raises `ProviderError` when there is no answer.

    The status is the answer: a body that is broken, or not there `body_timeout` seconds later, counts as empty.
    """
    import aiohttp

    try:
        async with session.request(method, url, allow_redirects=False, **options) as answer:
            body = await _body_of(answer, body_timeout)
            return Answer(answer.status, joined(answer.headers.items()), body)
    except TimeoutError:
        raise ProviderError("timeout", "no answer in time") from None
    except (aiohttp.InvalidURL, UnicodeError):  # the second: a host whose labels are empty or too long for DNS
        raise ProviderError("invalid_url", "not a URL", permanent=True) from None
    except (aiohttp.ClientError, OSError) as error:
        if _is_private(error):
            raise ProviderError("blocked", "the address is private", permanent=True) from None
        raise ProviderError("connect", type(error).__name__) from None


async def _body_of(answer: aiohttp.ClientResponse, seconds: float) -> bytes:
    import aiohttp

    encoding = answer.headers.get("Content-Encoding", "")
    broken = (aiohttp.ClientError, aiohttp.http.HttpProcessingError)
    body = await read_body(answer.content.iter_any(), encoding, broken, seconds)
    if not answer.content.is_eof():
        answer.close()  # what is left of it would be taken for the next answer
    return body


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

    A redirect is not followed, and is tried again: it may be a page of maintenance or a login in front of the service.

    `reason` is the service's own word, where it has one; `now` is Unix seconds.
    """
    if 200 <= answer.status < 300:
        return
    permanent = 400 <= answer.status < 500 and answer.status not in AGAIN
    kind = "rejected" if permanent else _KINDS.get(answer.status, "server_error")
    said = f"{answer.status} {answer.text}" if answer.text else str(answer.status)
    wait = retry_after(answer.headers.get("retry-after", ""), now)
    unable = answer.status == TOO_LARGE
    raise ProviderError(reason or kind, said, permanent=permanent, retry_after=wait, unable=unable)
