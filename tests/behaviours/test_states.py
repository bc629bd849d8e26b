"""States in both clients: counts are the server's, and what its sender brings up anew is told anew."""

from tests.support import notify

PAIR = "user_id=1&login=alice"


async def test_counts_are_those_of_the_server(client, follow):
    """Counts come with the connect and after each change, by whichever device."""
    (nid,) = await notify(client)
    await notify(client)
    alice = follow(f"http://127.0.0.1:{client.port}")
    await alice.until("counts", unread=2, unseen=2, total=2)
    await client.post(f"/api/v1/inbox/{nid}/archive?{PAIR}")
    await alice.until("read", id=nid)
    await alice.until("counts", unread=1, unseen=1, total=1)


async def test_what_is_brought_up_anew_is_told_anew(client, follow):
    """A bump comes as a push of the same id, unread."""
    alice = follow(f"http://127.0.0.1:{client.port}")
    await alice.until("online")
    (nid,) = await notify(client, "red", key="build")
    await alice.until("push", id=nid, message="red")
    alice.read(nid)
    await alice.until("read", id=nid)
    await notify(client, "green", key="build")
    await alice.until("push", id=nid, message="green", status="unread")
    alice.read(nid)
    await alice.until("read", id=nid)
