"""The client for a deployment."""

from __future__ import annotations

from functools import partial

from notifier.store.keys import ClusterKeys, Keys
from notifier.store.redis.address import Deployment
from notifier.store.redis.client import Redis
from notifier.store.redis.cluster import ClusterRedis
from notifier.store.redis.sentinel import find_master
from notifier.store.redis.single import SingleRedis


def open_store(deployment: Deployment) -> Redis:
    """A client that has yet to be started."""
    if deployment.kind == "sentinel":
        return SingleRedis(deployment.seeds[0], Keys(), locate=partial(find_master, deployment))
    if deployment.kind == "cluster":
        return ClusterRedis(deployment, ClusterKeys())
    return SingleRedis(deployment.seeds[0], Keys())
