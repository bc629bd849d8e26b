"""A short run of the kills; `make faults` does 300."""

from tests.e2e.kills import run


async def test_kill_9_loses_nothing_that_was_accepted(loop, tmp_path):
    assert await run(kills=6, seed=7, folder=tmp_path) == 0
