"""A thousand notifications in one inbox, on the pages of its user, on a real pod."""

import pytest

from tests.store.test_inbox_in_parts import fill

pytestmark = pytest.mark.slow


@pytest.fixture
def client(loop, start_pod):
    return loop.run_until_complete(start_pod(stream_maxlen="1000", notification_ttl="365d"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_all_of_it_is_shown_found_and_marked(loop, client, look, size):
    ids = await fill(client, 1_000)
    body = {"as": "archived", "ids": ids[:100]}
    assert (await client.post("/api/v1/inbox/mark?user_id=1&login=alice", json=body)).json()["changed"] == 100
    async with look(client, size) as stage:
        await stage.view("3", "alice")
        await stage.press("enter")
        await stage.sees("History 1,000", "Pending 900")
        await stage.press("h")
        await stage.sees("1,000 notifications")
        await stage.press("slash")
        await stage.type("archived")
        await stage.sees("100 of 1,000")
        await stage.press("enter", "end", "m")
        await stage.sees("archived now, as")
        await stage.press("b")
        await stage.asks("Mark 1 notification, ")
        await stage.press("y")
        await stage.sees("99 of 1,000")
