"""Short runs of a Redis that stands still, loses a reply or cuts one; `make faults` has longer ones."""

import pytest

from tests.e2e.gaps import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [1, 3])
async def test_open_connections_are_sent_everything(loop, tmp_path, workers):
    assert await run(["stalls", "lost", "cut"], 2, [workers], tmp_path, seed=1)


@pytest.mark.parametrize("store", ["sentinel", "cluster"])
async def test_nor_do_masters_that_stand_still_lose_links_or_are_replaced(loop, tmp_path, store):
    assert await run(["stalls", "links", "failover"], 1, [1], tmp_path, 1, [store])


async def test_pushes_flow_again_soon_after_a_long_absence(loop, tmp_path):
    assert await run(["away"], 1, [3], tmp_path, seed=1)
