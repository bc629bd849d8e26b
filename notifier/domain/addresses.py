"""Recipients of deliveries: what an address of each channel looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from notifier.domain.users import parse_user_key

MAX_MAILBOX = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
MAX_TOKEN = 4096
MAX_URL = 2048

_E164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f\"(),:;<>@\[\]\\]{1,64}").fullmatch
_LABEL = re.compile(r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?").fullmatch
_TOKEN = re.compile(r"[!-~]{1,4096}").fullmatch


def address_problem(channel: str, text: str) -> str | None:
    """What is wrong with a recipient of a channel; None where nothing is."""
    return _PROBLEMS[channel](text)


def _number(text: str) -> str | None:
    return None if _E164(text) else "must be a number in E.164, such as +905551234567"


def _mailbox(text: str) -> str | None:
    local, _, domain = text.rpartition("@")
    labels = domain.split(".")
    fine = (
        len(text.encode(errors="replace")) <= MAX_MAILBOX
        and _LOCAL(local)
        and not local.startswith(".")
        and not local.endswith(".")
    )
    if fine and ".." not in local and len(labels) > 1 and all(map(_LABEL, labels)):
        return None
    return "must be a mailbox, such as ada@example.com"


def _token(text: str) -> str | None:
    return None if _TOKEN(text) else f"must be a device token of at most {MAX_TOKEN} printable ASCII characters"


def _web_url(text: str) -> str | None:
    expected = f"must be an absolute http or https URL of at most {MAX_URL} characters, without a user in it"
    if len(text) > MAX_URL or not text.isprintable() or " " in text:
        return expected
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        fine = False
    return None if fine else expected


def _user_key(text: str) -> str | None:
    return None if parse_user_key(text) else "must be a user key, such as 1-alice"


_PROBLEMS: dict[str, Callable[[str], str | None]] = {
    "sms": _number,
    "email": _mailbox,
    "push": _token,
    "webhook": _web_url,
    "inapp": _user_key,
}
