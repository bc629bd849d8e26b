"""Short runs of the faults of deliveries, and a look at their count; `make faults-deliveries` does the long ones."""

import pytest

from tests.e2e.delivery_faults import FAULTS, Run, run_fault

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_lost_or_sent_again(loop, tmp_path, fault):
    count = await run_fault(fault, 1.5, tmp_path, seed=7)
    assert count.tried > 0
    assert count.wrong == 0


def test_the_count_sees_what_is_wrong(tmp_path):
    run = Run(tmp_path, 1)
    sent = {"status": "sent", "sent_at": "1970-01-01T00:00:10.000Z"}
    records = dict.fromkeys(("once", "again", "too often", "never taken"), sent)
    records |= {"explained": {"status": "failed"}, "stuck": {"status": "processing"}}
    run.accepted = {*records, "not stored"}
    run.peer.taken |= {"once": [9.0], "again": [8.0, 9.0], "too often": [9.0, 11.0]}
    count = run.count(records)
    assert (count.tried, count.lost, count.twice, count.repeated, count.explained) == (7, 3, 1, 1, 1)
