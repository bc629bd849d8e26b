"""A short run of moves and deaths; `make faults` does a thousand and ten."""

import pytest

from tests.e2e.moves import run

pytestmark = pytest.mark.slow


async def test_a_client_that_moves_misses_nothing(loop, tmp_path):
    assert await run(tmp_path, times=60, killed=1, seed=7)
