"""Origins (RFC 6454) and the hosts of `Host`, compared as browsers compare them: case, default ports and the two ways
of writing an international name make no difference."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import urlsplit

from notifier.domain.hosts import canonical_host, punycode

DEFAULT_PORTS = {"http": 80, "https": 443}

_NAME = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-\x80-\U0010ffff]+"
_HOST = re.compile(rf"({_NAME})(?::([0-9]{{0,5}}))?").fullmatch
_ORIGIN = re.compile(rf"([A-Za-z][A-Za-z0-9+.\-]*)://({_NAME})(?::([0-9]{{1,5}}))?").fullmatch


class Host(NamedTuple):
    """A host and its port; None where none is written, which is the default of whatever scheme is spoken."""

    name: str
    port: int | None


class Origin(NamedTuple):
    """A page's origin; `port` is None for a scheme that has no default and where none is written."""

    scheme: str
    name: str
    port: int | None

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        port = "" if self.port in (None, DEFAULT_PORTS.get(self.scheme)) else f":{self.port}"
        return f"{self.scheme}://{name}{port}"


@lru_cache(512)
def parse_host(text: str) -> Host | None:
    """The host in a `Host` header; None where the text is none."""
    match = _HOST(text)
    return None if match is None else _host(match[1], match[2])


@lru_cache(512)
def parse_origin(text: str) -> Origin | None:
    """The one origin in an `Origin` header; None for `null`, lists, and whatever else is none."""
    match = _ORIGIN(text)
    host = None if match is None else _host(match[2], match[3])
    if match is None or host is None:
        return None
    scheme = match[1].lower()
    return Origin(scheme, host.name, host.port if host.port is not None else DEFAULT_PORTS.get(scheme))


def origin_of(url: str) -> str:
    """The origin of an http or https URL, without the user in it; raises `ValueError` where it names no host."""
    parts = urlsplit(url)
    origin = parse_origin(f"{parts.scheme}://{parts.netloc.rpartition('@')[2].removesuffix(':')}")
    if origin is None or canonical_host(origin.name) is None:
        raise ValueError("no host")
    return str(origin)


def is_loopback(name: str) -> bool:
    """True for a host that can only be this machine: `localhost` and below (RFC 6761 §6.3), 127.0.0.0/8, `::1`."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address is not None and address.is_loopback


def _host(name: str, port: str | None) -> Host | None:
    number = int(port) if port else None
    plain = _address_in_brackets(name) if name.startswith("[") else _plain_name(name)
    return None if plain is None or (number or 0) > 65535 else Host(plain, number)


def _address_in_brackets(name: str) -> str | None:
    try:
        return str(IPv6Address(name[1:-1]))
    except AddressValueError:
        return None


def _plain_name(name: str) -> str | None:
    """A name in lower case and in ASCII, without the dot of the root."""
    plain = name.lower().removesuffix(".")
    return (plain if plain.isascii() else punycode(plain)) or None


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return IPv6Address(name) if ":" in name else IPv4Address(name)
    except AddressValueError:
        return None
