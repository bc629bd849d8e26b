"""The client for a deployment: one server, the master that Sentinel names, a cluster with its own key names."""

import pytest

from notifier.store.keys import ClusterKeys
from notifier.store.redis.address import parse_deployment
from notifier.store.redis.cluster import ClusterRedis
from notifier.store.redis.open import open_store
from notifier.store.redis.single import SingleRedis


@pytest.mark.parametrize(
    ("address", "kind", "in_cluster"),
    [
        ("redis://127.0.0.1:6379", SingleRedis, False),
        ("unix:///run/redis.sock", SingleRedis, False),
        ("redis+sentinel://127.0.0.1:26379/main", SingleRedis, False),
        ("redis+cluster://127.0.0.1:7000,127.0.0.1:7001", ClusterRedis, True),
    ],
)
def test_a_client_for_each_kind(address, kind, in_cluster):
    client = open_store(parse_deployment(address, "", 0))
    assert type(client) is kind and isinstance(client.keys, ClusterKeys) is in_cluster and not client.up


def test_only_sentinel_is_asked_for_the_master():
    one, watched = (open_store(parse_deployment(text, "", 0)) for text in ("redis://a:1", "redis+sentinel://a:1/main"))
    assert one._locate is None and watched._locate is not None
