"""Guard of calls to URLs that callers name: only public addresses are connected to.

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
_UNICAST = ipaddress.ip_network("2000::/3")  # all that is global in IPv6; the rest is local, reserved or old
# Beside what Python's `is_global` knows, which depends on its version: all of IANA's registries of special addresses
# that lies within the above and is not meant to be dialled.
_NOT_GLOBAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT
        "192.0.0.0/24",  # IETF protocols, among them the dummy address 192.0.0.8
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # IETF protocols, among them Teredo: an IPv4 address in disguise
        "2001:db8::/32",
        "2002::/16",  # 6to4: the same
        "3fff::/20",
    )
)


class PrivateAddress(OSError):
    """A private address, which no URL of a caller may lead to."""


def may_dial(address: str, allowed: Sequence[IPv4Network | IPv6Network]) -> bool:
    """True of a public address, and of one within a network that the operator allows.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64) is judged as that.
    """
    written: IPv4Address | IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    meant = _embedded(written)
    if _within(meant, allowed) or _within(written, allowed):
        return True
    if isinstance(meant, IPv6Address) and meant not in _UNICAST:
        return False
    return meant.is_global and not _within(meant, _NOT_GLOBAL)


def _within(address: IPv4Address | IPv6Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


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
