"""The host of a URL that a recipient named: the part of the outside world that fails with it."""

from __future__ import annotations

from urllib.parse import urlsplit

PORTS = {"https": 443, "http": 80}
LONGEST = 260  # characters; a name has 253 at most


def host_of(url: str) -> str:
    """`host:port` in lower case, the port always named; empty where the URL has none, and no request can be made."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        name = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # UnicodeError is one
        return ""
    name = name.rstrip(".")
    found = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return found if name and len(found) <= LONGEST and found.isprintable() and " " not in found else ""
