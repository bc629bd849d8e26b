"""The store: its version, its clock, and its settings that decide what survives.

The commands go through redis-py, loaded late: an independent client finds what the server's own would hide, too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from notifier.doctor.findings import Finding, fail, note, ok
from notifier.doctor.machine import check_clock
from notifier.store.embedded.binary import MINIMUM, NoRedis, find_redis
from notifier.store.redis.address import Address, Deployment
from notifier.store.redis.sentinel import find_master
from notifier.store.redis.watch import find_eviction, find_forgetting

if TYPE_CHECKING:
    from redis.asyncio import Redis

TIMEOUT = 3.0


def check_embedded(data_dir: Path) -> list[Finding]:
    """The server that would be started in that folder."""
    try:
        binary = find_redis()
    except NoRedis as error:
        return [fail("redis", str(error), "apt-get install redis-server, or set REDIS_ADDR")]
    version = ".".join(map(str, binary.version))
    if binary.version < (7, 0, 0) and (data_dir / "appendonlydir").exists():
        cure = "install Redis 7 or newer: an older one would start empty"
        return [fail("redis", f"{version} ({binary.path}), but the data are of Redis 7", cure)]
    return [ok("redis", f"{version} ({'bundled' if binary.bundled else binary.path}), embedded")]


async def check_external(deployment: Deployment) -> list[Finding]:
    """The servers that REDIS_ADDR names: for Sentinel the master, for Cluster each that is named."""
    try:
        addresses = [await find_master(deployment)] if deployment.kind == "sentinel" else list(deployment.seeds)
    except OSError as error:
        return [fail("redis", str(error), "start the sentinels, or correct REDIS_ADDR")]
    return [finding for address in addresses for finding in await _check_server(address)]


async def _check_server(address: Address) -> list[Finding]:
    from redis.exceptions import ConnectionError, ResponseError, TimeoutError

    client = _client_of(address)
    try:
        info = {name: str(value) for name, value in (await client.info()).items()}
        skew, fsync = await _skew(client), await _setting(client, "appendfsync")
    except (ConnectionError, TimeoutError, OSError) as error:
        cure = "start it, or correct REDIS_ADDR, REDIS_PASSWORD, REDIS_DB"
        return [fail("redis", f"{address}: {_reason(error)}", cure)]
    except ResponseError as error:
        cure = "let this user call INFO and TIME (ACL SETUSER … +info +time)"
        return [fail("redis", f"{address}: {_reason(error)}", cure)]
    finally:
        await client.aclose()
    return [
        check_version(info.get("redis_version", ""), str(address)),
        check_policy(info.get("maxmemory_policy", ""), int(info.get("maxmemory", "0"))),
        check_persistence(info, fsync),
        check_clock(skew, str(address)),
    ]


def _client_of(address: Address) -> Redis:
    """A client of one server that tries each command once."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return Redis(
        host=address.host,
        port=address.port,
        unix_socket_path=address.path or None,
        ssl=address.tls,
        username=address.username or None,
        password=address.password or None,
        db=address.database,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or "no answer in time"


async def _skew(client: Redis) -> float:
    """Seconds by which this clock is ahead; half the round trip is the way of the answer."""
    before = time.time()
    seconds, microseconds = await client.time()
    return (before + time.time()) / 2 - (int(seconds) + int(microseconds) / 1e6)


async def _setting(client: Redis, name: str) -> str | None:
    """A value of the server's configuration; None where it is not shown, as with hosted ones."""
    from redis.exceptions import ResponseError

    try:
        reply = await client.config_get(name)
    except ResponseError:
        return None
    return str(reply[name]) if name in reply else None


def check_version(version: str, where: str) -> Finding:
    """The version that the scripts need."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < MINIMUM:
        return fail("redis", f"{where}: version {version or 'unknown'}", "install Redis 6.2 or newer")
    return ok("redis", f"{where}: version {version}")


def check_policy(policy: str, limit: int) -> Finding:
    """The eviction policy for a full memory; `limit` in bytes, 0 is none."""
    cure = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
    wrong = find_eviction(policy, limit)
    if wrong is not None:
        return fail("memory policy", wrong, cure)
    if policy != "noeviction":
        found = f"{policy or 'unknown'}, without a limit of memory: with one, stored notifications would be dropped"
        return note("memory policy", found, cure)
    return ok("memory policy", "noeviction")


def check_persistence(info: Mapping[str, str], fsync: str | None) -> Finding:
    """The append-only file, on which it depends whether what was answered 202 survives.

    `info` holds the fields of INFO; `fsync` is None where the server does not show it.
    """
    wrong = find_forgetting(info)
    if wrong is not None:
        cure = "CONFIG SET appendonly yes, and the same in redis.conf; for a failed write see its log and its disk"
        return fail("persistence", wrong, cure)
    if fsync == "always":
        return ok("persistence", "append-only file, appendfsync always")
    if fsync is None:
        cure = "ask its operator for appendonly yes and appendfsync always"
        return note("persistence", "append-only file; the server does not show its appendfsync", cure)
    lost = {
        "everysec": "a power cut loses up to 2 s; so may a kill -9 of Redis, which puts off writes while an fsync runs",
        "no": "a power cut loses what the system has not written yet, often 30 s",
    }.get(fsync, "unknown")
    cure = "CONFIG SET appendfsync always, where no accepted notification may be lost"
    return note("persistence", f"append-only file, appendfsync {fsync}: {lost}", cure)
