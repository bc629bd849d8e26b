"""Recipients of deliveries: the form of each channel's addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

from notifier.domain.checks import MAX_URL, url_problem
from notifier.domain.hosts import ascii_name, canonical_host
from notifier.domain.users import parse_user_key

MAX_MAILBOX = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
MAX_TOKEN = 4096
MAX_IOS_TOKEN = 512

# Forms of addresses, for the API's description, too.
NUMBER_FORM = r"\+[1-9][0-9]{6,14}"
DEVICE_FORM = "[!-~]+"
IOS_DEVICE_FORM = r"[A-Za-z0-9_:\[\]\-]+"  # of APNs, FCM and Expo; APNs has it in a path
_E164 = re.compile(NUMBER_FORM).fullmatch
# Atoms of RFC 5322 §3.2.3 and what RFC 6531 adds to them: anything beyond ASCII, less white space and controls.
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\x9f\"(),:;<>@\[\]\\\ud800-\udfff]{1,64}").fullmatch
_JOINERS = "\u200c\u200d"  # letters of Persian, Hindi and others are written with them
_UNFIT = re.compile(r"[\s\x00-\x20\x7f-\x9f\ud800-\udfff]").search
_TOKEN = re.compile(DEVICE_FORM).fullmatch
_IOS_TOKEN = re.compile(IOS_DEVICE_FORM).fullmatch


def address_problem(channel: str, text: str) -> str | None:
    """The error of a recipient of a channel; None for a valid one."""
    return _PROBLEMS[channel](text)


def is_mailbox(text: str) -> bool:
    """True for a mailbox of any host: `local@domain` without quotes, comments or a name before it."""
    local, _, domain = text.rpartition("@")
    return (
        len(text.encode(errors="replace")) <= MAX_MAILBOX
        and _LOCAL(local) is not None
        and not (local.startswith(".") or local.endswith(".") or ".." in local)
        and "=?" not in text  # the beginning of an encoded word (RFC 2047): libraries decode it, whatever it holds
        and not any(unicodedata.category(char) == "Cf" and char not in _JOINERS for char in local)
        and not domain.endswith(".")
        and "_" not in domain
        and ascii_name(domain) is not None
    )


def ascii_domain(mailbox: str) -> str:
    """A mailbox with its domain as punycode, which every mail server understands; the rest is as it was."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}@{domain if domain.isascii() else ascii_name(domain) or domain}"


def host_problem(url: str) -> str | None:
    """The error of the host in a URL; None for a valid one."""
    try:
        parts = urlsplit(url)
        host = canonical_host(parts.hostname or "") if parts.port != 0 else None
        fine = host is not None and ("[" in parts.netloc) == (":" in host)
    except ValueError:
        fine = False
    return None if fine else "must name a host: labels of 1-63 characters, 253 in all, or an address"


def endpoint_problem(value: object) -> str | None:
    """The endpoint of a web subscription: an absolute http or https URL that names a host."""
    if url_problem(value) or not str(value).startswith(("https://", "http://")):
        return "must be an absolute URL"
    return host_problem(str(value))


def _number(text: str) -> str | None:
    return None if _E164(text) else "must be a number in E.164, such as +905551234567"


def _mailbox(text: str) -> str | None:
    if is_mailbox(text) and "." in ascii_domain(text).rpartition("@")[2]:
        return None
    return "must be a mailbox, such as ada@example.com"


def _token(text: str) -> str | None:
    fine = len(text) <= MAX_TOKEN and _TOKEN(text)
    return None if fine else f"must be a device token of at most {MAX_TOKEN} printable ASCII characters"


def ios_token_problem(value: object) -> str | None:
    """The error of the token of an iOS device; None for a valid one."""
    if type(value) is str and len(value) <= MAX_IOS_TOKEN and _IOS_TOKEN(value):
        return None
    return f"must be a device token of at most {MAX_IOS_TOKEN} letters, digits and - _ : [ ]"


def _web_url(text: str) -> str | None:
    expected = f"must be an absolute http or https URL of at most {MAX_URL} characters, without a user in it"
    if len(text) > MAX_URL or _UNFIT(text):
        return expected
    try:
        parts = urlsplit(text)
    except ValueError:
        return expected
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return expected
    return host_problem(text)


def _user_key(text: str) -> str | None:
    return None if parse_user_key(text) else "must be a user key, such as 1-alice"


_PROBLEMS: dict[str, Callable[[str], str | None]] = {
    "sms": _number,
    "email": _mailbox,
    "push": _token,
    "webhook": _web_url,
    "inapp": _user_key,
}
