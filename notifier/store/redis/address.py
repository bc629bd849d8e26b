"""Addresses of the store: the grammar of `REDIS_ADDR`, and what it names as data."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from notifier.domain.hosts import is_host

DEFAULT_PORT = 6379
SENTINEL_PORT = 26379
MAX_PORT = 65535
EXPECTED = "host:port, redis://, rediss://, unix://, redis+sentinel://host:port,…/master or redis+cluster://host:port,…"
_WHO = r"(?:([^@/\s]*)@)?"
_SOCKET = re.compile(rf"{_WHO}(/[^\s?#]+)(?:\?db=(\d{{1,6}}))?", re.ASCII).fullmatch
_SERVERS = re.compile(rf"{_WHO}([^@/\s?#]+)(?:/([^/\s]*))?", re.ASCII).fullmatch
_SERVER = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::(\d{1,5}))?", re.ASCII).fullmatch
_DATABASE = re.compile(r"\d{0,6}", re.ASCII).fullmatch
_SENTINEL, _CLUSTER = "redis+sentinel", "redis+cluster"


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
    """The parsed `REDIS_ADDR`: `kind` is `single`, `sentinel` or `cluster`; `seeds` are the servers named; `master` is
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
    scheme, _, rest = text.rpartition("://")
    if scheme not in (_SENTINEL, _CLUSTER):
        return Deployment("single", (parse_address(text, password, database),))
    match = _SERVERS(rest)
    if not match or (scheme == _SENTINEL) != bool(match[3]):
        raise ValueError(EXPECTED)
    base = _with_credentials(match[1], password)._replace(database=database)
    port = SENTINEL_PORT if scheme == _SENTINEL else DEFAULT_PORT
    seeds = tuple(_with_place(base, place, port) for place in match[2].split(","))
    return Deployment(scheme.removeprefix("redis+"), seeds, unquote(match[3] or ""))


def parse_address(text: str, password: str = "", database: int = 0) -> Address:
    """The address of one server; raises `ValueError` with what was expected."""
    scheme, _, rest = text.rpartition("://")
    match = _SOCKET(rest) if scheme == "unix" else _SERVERS(rest)
    if scheme not in ("", "redis", "rediss", "unix") or not match or not _DATABASE(match[3] or ""):
        raise ValueError(EXPECTED)
    base = _with_credentials(match[1], password)._replace(database=int(match[3] or database), tls=scheme == "rediss")
    return base._replace(path=unquote(match[2])) if scheme == "unix" else _with_place(base, match[2], DEFAULT_PORT)


def _with_credentials(who: str | None, password: str) -> Address:
    username, _, secret = (who or "").partition(":")
    return Address(username=unquote(username), password=unquote(secret) or password)


def _with_place(base: Address, place: str, port: int) -> Address:
    """The server at `host` or `host:port`; raises `ValueError` where no resolver could be asked for it."""
    match = _SERVER(place)
    host, found = ((match[1] or match[2]).lower(), int(match[3] or port)) if match else ("", 0)
    if not is_host(host) or not 1 <= found <= MAX_PORT:
        raise ValueError(EXPECTED)
    return base.at(host, found)
