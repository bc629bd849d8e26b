"""Finds the master that Redis Sentinel has chosen (https://redis.io/docs/latest/develop/reference/sentinel-clients/)."""

from __future__ import annotations

import hiredis

from notifier.errors import NotifierError
from notifier.store.redis.address import Address, Deployment
from notifier.store.redis.link import Link, open_link

TIMEOUT = 0.5


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
    plain = seed._replace(password="", username="", database=0)  # the credentials are the servers', not the sentinels'
    try:
        link = await open_link(plain, TIMEOUT, TIMEOUT, lambda link: None)
    except (OSError, TimeoutError, hiredis.ReplyError):
        return None
    try:
        answer = await link.call("SENTINEL", "get-master-addr-by-name", master)
    except (NotifierError, hiredis.ReplyError):
        return None
    finally:
        link.close()
    return (answer[0].decode(), int(answer[1])) if answer else None
