"""A short run of what may happen to an external Redis; `make faults` lets each fault last five or ten seconds."""

import pytest

from tests.e2e.store_faults import run

pytestmark = pytest.mark.slow


async def test_no_fault_of_the_store_loses_what_was_accepted(loop, tmp_path):
    assert await run(["down", "cut", "paused", "memory", "disk"], 0.6, tmp_path)
