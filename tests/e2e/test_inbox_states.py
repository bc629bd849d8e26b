"""Random operations over three connections, two instances and kills: every count is the same after each quiet moment."""

import pytest

from tests.e2e.inbox_states import play


@pytest.mark.slow
@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("operations", [1_600])
async def test_every_count_is_the_same(tmp_path, operations, cluster):
    figures, drifted = await play(tmp_path, operations, 0.0, 0.0, kill_every=600, cluster=cluster)
    assert drifted == [] and figures["marks_too_many"] == 0
    assert figures["kills"] >= 2 and figures["quiet"] == operations // 200
