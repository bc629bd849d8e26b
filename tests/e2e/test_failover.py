"""A short run of a failover under load; `make faults` does all of them."""

import pytest

from tests.e2e.failover import undergo

pytestmark = pytest.mark.slow


async def test_an_orderly_failover_of_a_cluster_loses_nothing(loop, tmp_path):
    assert await undergo("cluster", "orderly", tmp_path / "run", after=0.5)
