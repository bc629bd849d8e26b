"""A short run of hostile clients; `make faults` does all of it. Deadlines are tried in `tests/web/test_protocol.py`."""

from tests.e2e.hostile import SHORT, run


async def test_hostile_clients_cost_little_and_others_do_not_notice(loop, tmp_path):
    assert await run(["pings", "one-user"], SHORT, tmp_path)
