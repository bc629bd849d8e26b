"""A short run of a pod paused, killed and ended; `make faults` pauses it for a minute."""

import pytest

from tests.e2e.paused_pod import run

pytestmark = pytest.mark.slow


async def test_a_pod_that_stands_still_or_goes_is_taken_over(loop, tmp_path):
    assert await run(tmp_path, 2.5, PRESENCE_TTL="1s", LOCK_TTL="10s")
