"""Names and addresses of hosts, as they stand in mailboxes and URLs."""

from __future__ import annotations

import ipaddress
import re

MAX_NAME = 253  # characters; a name in DNS has at most 255 octets, and each label one of length (RFC 1035 §2.3.4)

# Letters, digits and hyphens, 63 at most (RFC 1123 §2.1); containers' names hold underscores, mailboxes' don't.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?").fullmatch
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch


def ascii_name(name: str) -> str | None:
    """A host's name as DNS has it: lower case, labels of other scripts as punycode; None where it is no name.

    IDNA 2008 (RFC 5891) after the mapping of UTS #46, non-transitional. One dot may end the name.
    """
    if len(name) > 2 * MAX_NAME:
        return None
    if not name.isascii():
        name = punycode(name)
    name = name.lower()
    bare = name.removesuffix(".")
    return name if len(bare) <= MAX_NAME and all(map(_LABEL, bare.split("."))) else None


def is_host(text: str) -> bool:
    """True for a name that a resolver may be asked, or an address, of whatever spelling: for hosts that the
    operator names."""
    return _address(text.partition("%")[0]) is not None if ":" in text else ascii_name(text) is not None


def canonical_host(host: str) -> str | None:
    """The host of a URL, without brackets: an ASCII name, or an address as its standard writes it; None where it is
    neither.

    A name whose last label is a number is an IPv4 address or nothing (WHATWG URL, "ends in a number"): `127.1`,
    `0x7f.1` and `017700000001` are addresses in disguise.
    """
    if ":" in host:
        return _address(host.partition("%")[0])
    name = ascii_name(host)
    if name is not None and _NUMBER(name.removesuffix(".").rpartition(".")[2]):
        return _address(name)
    return name


def punycode(name: str) -> str:
    """A name of other scripts in ASCII; empty, which is no name, where the standard does not allow it."""
    import idna  # its tables are large, and most names are ASCII

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return ""


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
