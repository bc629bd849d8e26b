"""The load generator in Python: what it counts."""

import pytest

from tests.bench.measure import Generator, subject

USERS, EACH = 200, 5  # so many that no user's marks, 100 at once and 50 a second, run into the limit on messages


@pytest.mark.slow
async def test_history_is_read_before_the_time_measured_and_counts_nothing(tmp_path):
    async with subject(Generator(tmp_path, None)) as one:
        await one.fill(1, USERS, EACH)
        found = await one.load("--subs", USERS, "--pubs", 2, "--window", 4, "--secs", 0.5, "--warm", 0.2)
        assert found["delivered"] == found["acked"] == found["sent"] > 0 and found["missing"] == 0
        assert 0 < found["deliver_s"] * 0.5 <= found["sent"]  # what was sent while it warmed up is none of it
