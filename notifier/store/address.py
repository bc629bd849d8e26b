"""Where a Redis is: the URLs that REDIS_ADDR takes, as data."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

DEFAULT_PORT = 6379


class Address(NamedTuple):
    """One server: a unix socket (`path`) or `host` and `port`; `tls` wraps the latter."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    path: str = ""
    tls: bool = False
    username: str = ""
    password: str = ""
    database: int = 0

    def __repr__(self) -> str:
        """Without the password: an address appears in logs."""
        return self.path or f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return repr(self)


def parse_address(text: str, password: str = "", database: int = 0) -> Address:
    """The address in `host:port`, `redis://`, `rediss://` or `unix://`; raises `ValueError` for anything else.

    `password` and `database` hold where the URL names none.
    """
    url = urlsplit(text if "://" in text else f"redis://{text}")
    if url.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("expected host:port, redis://, rediss:// or unix://")
    username, secret = unquote(url.username or ""), unquote(url.password or "") or password
    if url.scheme == "unix":
        number = parse_qs(url.query).get("db", [str(database)])[0]
        return Address(path=unquote(url.path), username=username, password=secret, database=int(number))
    number = url.path.strip("/") or str(database)
    return Address(
        host=url.hostname or "localhost",
        port=url.port or DEFAULT_PORT,
        tls=url.scheme == "rediss",
        username=username,
        password=secret,
        database=int(number),
    )
