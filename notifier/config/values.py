"""Readers of settings: each takes text, or a value of YAML, and raises `ValueError` with what was expected."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notifier.domain.doors import DOORS
from notifier.domain.hosts import is_host
from notifier.domain.origins import parse_origin
from notifier.domain.times import parse_duration
from notifier.domain.users import parse_user_key
from notifier.store.redis.address import parse_deployment

_SIZE = re.compile(r"(\d{1,12})\s*(B|KiB|MiB|GiB|K|M|G)?", re.ASCII | re.IGNORECASE).fullmatch
_BYTES = {"b": 1, "k": 1024, "kib": 1024, "m": 1024**2, "mib": 1024**2, "g": 1024**3, "gib": 1024**3}
_POD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}").fullmatch
_NAME = re.compile(r"[A-Za-z0-9._\-]{1,249}").fullmatch
_WEB_URL = re.compile(r"https?://([^\s/?#]+)(?:[/?#]\S*)?").fullmatch
_DIGITS = re.compile(r"\d{1,12}", re.ASCII).fullmatch
_PORT = re.compile(r"\d{1,5}", re.ASCII).fullmatch
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-]{0,62}(?:\.[A-Za-z0-9_\-]{1,63})*\.?").fullmatch

Reader = Callable[[Any], Any]


def text(value: Any) -> str:
    """Any text of one line."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool) or not str(value).isprintable():
        raise ValueError("text of one line")
    return str(value)


def duration(least: float = 0.0, most: float = 366 * 86400.0, *, off: bool = False) -> Reader:
    """Seconds of `500ms`, `5s`, `15m`, `24h`, `7d` or a number of seconds; with `off` None for that word."""
    expected = "a duration such as 500ms, 5s, 15m, 24h, 7d" + (" or off" if off else "")

    def read(value: Any) -> float | None:
        if off and (value is False or str(value).lower() == "off"):
            return None
        seconds = parse_duration(str(value))
        if seconds is None or not least <= seconds <= most:
            raise ValueError(f"{expected} of {least:g}s-{most:g}s")
        return seconds

    return read


def number(least: int, most: int) -> Reader:
    """An integer within bounds."""

    def read(value: Any) -> int:
        digits = _DIGITS(str(value))
        found = int(digits[0]) if digits and not isinstance(value, bool) else -1
        if not least <= found <= most:
            raise ValueError(f"an integer of {least}-{most}")
        return found

    return read


def share(value: Any) -> float:
    """A number of 0 … 1."""
    try:
        found = -1.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = -1.0
    if not 0.0 <= found <= 1.0:
        raise ValueError("a number of 0-1")
    return found


def size(least: int, most: int) -> Reader:
    """Bytes of `1MiB`, `64KiB` or a number."""

    def read(value: Any) -> int:
        match = _SIZE(str(value))
        found = int(match[1]) * _BYTES[(match[2] or "B").lower()] if match else -1
        if not least <= found <= most:
            raise ValueError(f"a size of {least}-{most} bytes, such as 64KiB or 1MiB")
        return found

    return read


def choice(*names: str) -> Reader:
    """One of the names."""

    def read(value: Any) -> str:
        if str(value).lower() not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return str(value).lower()

    return read


def items(value: Any) -> tuple[str, ...]:
    """A list, or text with commas."""
    parts = value if isinstance(value, list) else [value]
    if not all(
        isinstance(part, (str, int)) and not isinstance(part, bool) and str(part).isprintable() for part in parts
    ):
        raise ValueError("a list, or text with commas")
    if not isinstance(value, list):
        parts = str(value).split(",")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def roles(value: Any) -> tuple[str, ...]:
    """Some of `http`, `delivery`, `kafka`."""
    found = items(value)
    if not found or not set(found) <= {"http", "delivery", "kafka"}:
        raise ValueError("some of http, delivery, kafka, with commas between")
    return found


def doors(value: Any) -> tuple[str, ...]:
    """Some of the doors, each once; none for `none` or `off`."""
    if value is False or str(value).lower() in ("none", "off"):
        return ()
    found = tuple(dict.fromkeys(items(value)))
    if not found or not set(found) <= set(DOORS):
        raise ValueError(f"some of {', '.join(DOORS)}, with commas between, or none")
    return found


def user_pair(value: Any) -> str:
    """A user of the inbox as `1:alice`."""
    number, _, login = str(value).partition(":")
    user = parse_user_key(f"{number}-{login}")
    if user is None:
        raise ValueError("a user such as 1:alice")
    return f"{user.id}:{user.login}"


def networks(value: Any) -> tuple[str, ...]:
    """Networks as CIDR."""
    found = items(value)
    try:
        return tuple(str(ipaddress.ip_network(item)) for item in found)
    except ValueError:
        raise ValueError("networks such as 10.0.0.0/8, with commas between") from None


def origins(value: Any) -> tuple[str, ...]:
    """Origins as browsers write them; `*` is any."""
    return tuple(item if item == "*" else _origin(item) for item in items(value))


def _origin(item: str) -> str:
    found = parse_origin(item.removesuffix("/"))
    if found is not None and found.scheme not in ("ws", "wss"):
        return str(found)
    raise ValueError(f"origins such as https://app.example, with commas between, or *{_right_form(item)}")


def _right_form(item: str) -> str:
    """A correction of an entry that is no origin; empty where none can be guessed."""
    scheme, mark, rest = item.partition("://")
    scheme = {"ws": "http", "wss": "https"}.get(scheme.lower(), scheme) if mark else "https"
    host = re.split(r"[/?#]", rest if mark else item, maxsplit=1)[0].rpartition("@")[2]
    meant = parse_origin(f"{scheme}://{host}") if item.lower() != "null" else None
    return f": write {meant}" if meant is not None else ""


def rate(value: Any) -> tuple[int, float] | None:
    """`100/1m` as (100, 60.0); None for `off`."""
    if value is False or str(value).lower() == "off":
        return None
    count, _, window = str(value).partition("/")
    try:
        return number(1, 1_000_000_000)(count), duration(0.001)(window or "1s")
    except ValueError:
        raise ValueError("a rate such as 100/1m, or off") from None


def web_url(value: Any) -> str:
    """An absolute URL of HTTP, with or without TLS."""
    match = _WEB_URL(text(value))
    if not match or not _names_host(match[1]):
        raise ValueError("a URL such as https://issuer.example/keys.json")
    return str(value)


def pod_name(value: Any) -> str:
    """A name that may stand in keys and labels."""
    if not _POD(str(value)):
        raise ValueError("1-100 letters, digits, dots, underscores or hyphens, the first a letter or digit")
    return str(value)


def plain_name(value: Any) -> str:
    """A Kafka topic or group."""
    if not _NAME(str(value)):
        raise ValueError("1-249 letters, digits, dots, underscores or hyphens")
    return str(value)


def address(value: Any) -> str:
    """`host:port`, `:port` or a port."""
    host, _, port = str(value).rpartition(":")
    if not _PORT(port) or int(port) > 65535 or not _is_host(host):
        raise ValueError("host:port or :port")
    return f"{host}:{port}"


def path(value: Any) -> Path:
    """A file or folder; `~` is the home."""
    if not isinstance(value, (str, int, Path)) or not str(value) or not str(value).isprintable():
        raise ValueError("a path")
    try:
        return Path(str(value)).expanduser()
    except RuntimeError:
        raise ValueError("a path; there is no such home") from None


def _is_host(host: str) -> bool:
    """True for what can be listened on: an empty name, one of DNS, or an IPv6 address."""
    if ":" not in host:
        return not host or (_HOST(host) is not None and len(host) <= 253)
    try:
        ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _names_host(place: str) -> bool:
    """True for `host` or `host:port` that can be dialled, with or without a user before it."""
    match = _PLACE(place.rpartition("@")[2])
    return bool(match and is_host(match[1] or match[2]) and 1 <= int(match[3] or 1) <= 65535)


_PLACE = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::(\d{0,5}))?", re.ASCII).fullmatch


def store_address(value: Any) -> str:
    """The address of a Redis server, or of a deployment of several; its grammar is in `store/redis/address.py`."""
    found = text(value)
    parse_deployment(found)
    return found
