"""Sentinel discovery by redis-py: the address of the master that the sentinels have agreed on.

redis-py follows Sentinel's rules for clients (a master that is subjectively or objectively down is none) and is loaded
at the first look: its import takes 0.24 s, which servers without Sentinel do not pay.
https://redis.io/docs/latest/develop/reference/sentinel-clients/
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from notifier.store.redis.address import Address, Deployment
from notifier.store.redis.link import Link

if TYPE_CHECKING:
    from redis.asyncio.sentinel import Sentinel

TIMEOUT = 0.5  # seconds that one sentinel may take to connect, and to answer


async def find_master(deployment: Deployment) -> Address:
    """The master's address, from the first sentinel that knows it. Raises `ConnectionError` when none does."""
    for seed in deployment.seeds:
        found = await _ask(seed, deployment.master)
        if found is not None:
            return seed.at(*found)
    raise ConnectionError(f"no sentinel of {deployment} knows the master")


async def check_is_master(link: Link) -> None:
    """Raises `ConnectionError` unless the server says it is a master: a sentinel may not have noticed yet."""
    role = await link.call("ROLE")
    if role[0] != b"master":
        raise ConnectionError(f"the server is {role[0].decode()}, not master")


async def _ask(seed: Address, master: str) -> tuple[str, int] | None:
    from redis.exceptions import RedisError

    sentinel = _client_of(seed)
    try:
        host, port = await sentinel.discover_master(master)
    except (RedisError, OSError, TimeoutError):  # among them one that wants a password: the next one may not
        return None
    finally:
        await asyncio.gather(*(client.aclose() for client in sentinel.sentinels), return_exceptions=True)
    return str(host), int(port)


def _client_of(seed: Address) -> Sentinel:
    """A client without credentials: those of the address are the servers', not the sentinels'."""
    from redis.asyncio.retry import Retry
    from redis.asyncio.sentinel import Sentinel
    from redis.backoff import NoBackoff

    options = {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 0),  # its default is ten tries; `SingleRedis` tries again itself
        "ssl": seed.tls,
    }
    return Sentinel([(seed.host, seed.port)], sentinel_kwargs=options)  # type: ignore[no-untyped-call]
