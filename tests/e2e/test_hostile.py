"""A short run of hostile clients; `make faults` does all of it. Deadlines are tried in `tests/web/http/test_protocol.py`."""

import pytest

from tests.e2e.hostile import SHORT, run

pytestmark = pytest.mark.slow


async def test_hostile_clients_cost_little_and_others_do_not_notice(loop, tmp_path):
    assert await run(["pings", "one-user"], SHORT, tmp_path)
