"""Where a store is: the URLs that REDIS_ADDR takes, as data."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

DEFAULT_PORT = 6379
SENTINEL_PORT = 26379
EXPECTED = "host:port, redis://, rediss://, unix://, redis+sentinel://h:p,h:p/master or redis+cluster://h:p,h:p"


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

    def at(self, host: str, port: int) -> Address:
        """Another server of the same deployment."""
        return self._replace(host=host, port=port, path="")


class Deployment(NamedTuple):
    """What REDIS_ADDR names: `kind` is `single`, `sentinel` or `cluster`; `seeds` are the servers named; `master` is
    the name under which sentinels know theirs."""

    kind: str
    seeds: tuple[Address, ...]
    master: str = ""

    def __str__(self) -> str:
        return ",".join(map(str, self.seeds)) + (f"/{self.master}" if self.master else "")


def parse_deployment(text: str, password: str = "", database: int = 0) -> Deployment:
    """The deployment that REDIS_ADDR names; raises `ValueError` with what was expected.

    `password` and `database` hold where the URL names none. A user and password before the first host hold for all.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("redis+sentinel", "redis+cluster"):
        return Deployment("single", (parse_address(text, password, database),))
    credentials, _, hosts = rest.rpartition("@")
    names, _, path = hosts.partition("/")
    port = SENTINEL_PORT if scheme == "redis+sentinel" else DEFAULT_PORT
    base = f"{credentials}@" if credentials else ""
    seeds = tuple(_seed(f"{base}{name}", port, password, database) for name in names.split(",") if name)
    if not seeds or (scheme == "redis+sentinel") != bool(path.strip("/")):
        raise ValueError(f"expected {EXPECTED}")
    return Deployment(scheme.removeprefix("redis+"), seeds, unquote(path.strip("/")))


def parse_address(text: str, password: str = "", database: int = 0) -> Address:
    """The address of one server; raises `ValueError` for anything else."""
    url = urlsplit(text if "://" in text else f"redis://{text}")
    if url.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"expected {EXPECTED}")
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


def _seed(text: str, port: int, password: str, database: int) -> Address:
    address = parse_address(f"redis://{text}", password, database)
    return address if ":" in text.rpartition("@")[2] else address._replace(port=port)
