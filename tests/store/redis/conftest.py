"""A real Redis Cluster for the tests of a module."""

import asyncio

import pytest

from tests.e2e.redis_servers import RedisServers, start_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Three masters with a replica each; `address` is their REDIS_ADDR, `masters` the masters' ports."""
    servers = RedisServers(tmp_path_factory.mktemp("cluster"))
    try:
        servers.address, servers.masters = asyncio.run(start_cluster(servers))
        yield servers
    finally:
        servers.stop()
