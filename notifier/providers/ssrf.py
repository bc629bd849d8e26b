"""The guard of calls to URLs that callers name: no address but a public one is ever dialled.

It looks at the address of the socket about to be opened, after every resolution, so that no name that answers
differently the second time (DNS rebinding) gets by it. OWASP: Server Side Request Forgery Prevention.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_NOT_GLOBAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b:1::/48",
        "100.64.0.0/10",
        "192.88.99.0/24",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
    )
)  # those that Python's `is_global` of some version lets pass, and what is not meant to be dialled: 6to4, Teredo


class PrivateAddress(OSError):
    """The address is none that a caller may name."""


def may_dial(address: str, allowed: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an address is public, or within a network that the operator allows."""
    found: IPv4Address | IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    found = _embedded(found)
    if any(found.version == network.version and found in network for network in allowed):
        return True
    if any(found.version == network.version and found in network for network in _NOT_GLOBAL):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def guarded_socket(allowed: Sequence[IPv4Network | IPv6Network]) -> Callable[[Any], socket.socket]:
    """A socket factory for aiohttp that raises `PrivateAddress` before it opens a socket to any other address."""

    def build(info: Any) -> socket.socket:
        family, kind, protocol, _, target = info
        if not may_dial(target[0], allowed):
            raise PrivateAddress(f"{target[0]} is not a public address")
        return socket.socket(family, kind, protocol)

    return build
