"""Read marks of both clients: the server hears of them, and the user of the client once."""

import pytest

from tests.behaviours.peer import id_of, push
from tests.support import Inbox, notify

FAST = 20.0


def ids(number):
    return {name: push(number)[name] for name in ("notification_id", "stream_id")}


async def test_duplicate_ack(client, follow):
    """Read twice here and twice on another device: one event, no error, counted once."""
    (first,) = await notify(client, "first")
    alice = follow(f"http://127.0.0.1:{client.port}")
    await alice.until("online")
    phone = await Inbox.open(client)
    alice.read(first, first)
    await alice.until("read", id=first)
    assert (await phone.receive("notification.read.ack"))["notification_id"] == first
    for _ in range(2):
        await phone.read(phone.greeting[0])
        await phone.receive("notification.read.ack")
    alice.read(first)
    (second,) = await notify(client, "second")
    await alice.until("push", id=second)
    assert alice.told("read") == [first]
    assert alice.told("error") == []
    assert client.pod.metrics.acked == 1


@pytest.mark.parametrize("status", ["unread", "read"])
async def test_an_ack_whose_confirmation_was_lost(peer, follow, status):
    """It is said again after the reconnect, whether the server had taken it or not; told once."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1))
    await client.until("online")
    client.read(id_of(1))
    assert await link.hear("notification.read") == ids(1)
    link.cut()
    link = await peer.accept()
    assert await link.hear("notification.read") == ids(1)
    await link.greet(push(1, status))
    await link.confirm(1)
    await link.confirm(1)
    await link.push(2)
    await client.until("push", id=id_of(2))
    assert client.told("read") == [id_of(1)]
    assert client.told("push") == [id_of(1), id_of(2)]
    assert link.is_quiet


async def test_a_confirmed_ack_is_not_said_again(peer, follow):
    """Nor is one that a replay shows as read."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1))
    await client.until("online")
    client.read(id_of(1))
    await link.hear("notification.read")
    await link.confirm(1)
    await client.until("read")
    link.cut()
    link = await peer.accept()
    await link.greet(push(1, "read"), push(2))
    await client.until("online")
    client.read(id_of(2))
    assert await link.hear("notification.read") == ids(2)
    assert client.told("read") == [id_of(1)]


async def test_read_elsewhere_while_away(peer, follow):
    """It is told when the client is back, once."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1), push(2))
    await client.until("online")
    for _ in range(2):
        link.cut()
        link = await peer.accept()
        await link.greet(push(2), push(1, "read"))
        await client.until("online")
    await link.confirm(1)
    await link.push(3)
    await client.until("push", id=id_of(3))
    assert client.told("read") == [id_of(1)]


async def test_read_elsewhere_before_it_came(peer, follow):
    """A confirmation that overtakes its notification: that is told as read."""
    client = follow(peer.url)
    link = await peer.accept()
    await link.confirm(1)
    await link.greet(push(1), push(2))
    await client.until("online")
    assert client.told("push", "status") == ["read", "unread"]
    assert client.told("read") == []


async def test_read_all(client, follow):
    """One message for all that has come; each is confirmed; what comes later is unread."""
    sent = [(await notify(client, str(i)))[0] for i in range(5)]
    alice = follow(f"http://127.0.0.1:{client.port}")
    await alice.until("online")
    phone = await Inbox.open(client)
    alice.read_all()
    confirmed = [(await phone.receive("notification.read.ack"))["notification_id"] for _ in sent]
    later = await notify(client, "later")
    await alice.until("push", id=later[0])
    assert sorted(alice.told("read")) == sorted(confirmed) == sorted(sent)
    assert (await Inbox.open(client)).synced == {"pending": 1, "total": 6}


async def test_read_all_while_away(peer, follow):
    """It is said when the client is back, up to what had come by then."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1), push(2))
    await client.until("online")
    await link.close(1012)
    await client.until("waiting")
    client.read_all()
    link = await peer.accept()
    assert await link.hear("notification.read_all") == {"up_to": push(2)["stream_id"]}
    await link.greet(push(1), push(2), push(3))
    await link.confirm(1)
    await link.confirm(2)
    await client.until("read", id=id_of(2))
    link.cut()
    link = await peer.accept()
    await link.greet(push(3), push(1, "read"), push(2, "read"))
    await client.until("online")
    assert client.told("push") == [id_of(1), id_of(2), id_of(3)]
    assert client.told("read") == [id_of(1), id_of(2)]
    assert link.is_quiet


async def test_a_mark_for_what_is_gone(peer, follow):
    """It is given up; those beside it are not."""
    client = follow(peer.url, speed=FAST, die=0.0)
    link = await peer.accept()
    await link.greet(push(1), push(2), push(3))
    await client.until("online")
    client.read(id_of(1), id_of(2), id_of(3))
    for number in (1, 2, 3):
        assert await link.hear("notification.read") == ids(number)
    await link.confirm(2)
    await link.refuse("not_found", "notification.read")
    assert (await client.until("error"))["code"] == "not_found"
    link.cut()
    link = await peer.accept()
    assert await link.hear("notification.read") == ids(3)
    await link.greet(push(3), push(2, "read"), push(1, "auto_cleared"))
    await client.until("online")
    assert link.is_quiet


@pytest.mark.parametrize(("code", "about"), [("unavailable", "notification.read"), ("rate_limited", None)])
async def test_a_mark_that_cannot_be_taken_now(peer, follow, code, about):
    """It is said again a second or two later, on the same connection."""
    client = follow(peer.url, speed=FAST)
    link = await peer.accept()
    await link.greet(push(1))
    await client.until("online")
    client.read(id_of(1))
    assert await link.hear("notification.read") == ids(1)
    await link.refuse(code, about)
    assert await link.hear("notification.read") == ids(1)
    await link.confirm(1)
    await client.until("read", id=id_of(1))
    assert client.told("waiting", "delay") == []
    assert peer.is_alone
