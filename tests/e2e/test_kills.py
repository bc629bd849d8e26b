"""Short runs of the kills; `make faults` does 600."""

import pytest

from tests.e2e.kills import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [1, 3])
async def test_kill_9_loses_nothing_that_was_accepted(loop, tmp_path, workers):
    assert await run(kills=6 * workers, seed=7, folder=tmp_path, workers=workers) == 0


async def test_kill_9_loses_nothing_that_the_lean_path_took(loop, tmp_path):
    assert await run(kills=6, seed=7, folder=tmp_path, plain=True) == 0
