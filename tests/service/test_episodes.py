"""Episodes of a key: open from the first report to the end, whoever else reports at the same moment."""

import json

import pytest

from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.pod.web import build_doors
from notifier.service.episodes import TRIES, Episodes

ALICE, BOB = User(1, "alice"), User(2, "bob")
SAID = {"title": "Disk", "message": "is full", "data": {"status": "firing"}}


@pytest.fixture
def doors(loop, client):
    return build_doors(client.pod.settings, client.pod)


@pytest.fixture
def visitor(loop, doors):
    return loop.run_until_complete(doors.enter("hooks", ""))


async def report(doors, visitor, users=(ALICE,), said=SAID, bump=False, retell=False):
    return await Episodes(doors).report(visitor, users, "fp", said, bump, retell)


async def open_one(doors, visitor, user=ALICE):
    known = await doors.keyed.named(visitor.caller.name, "fp", user.key)
    return known and json.loads(known.payload)


async def test_from_the_first_report_to_the_end(doors, visitor):
    episodes = Episodes(doors)
    assert await episodes.resolve(visitor, (ALICE,), "fp", {}) == "ignored"
    assert await report(doors, visitor) == "created"
    assert await report(doors, visitor, said=SAID | {"message": "is fuller"}) == "updated"
    assert (await open_one(doors, visitor))["message"] == "is full"
    assert await report(doors, visitor, said=SAID | {"message": "is fuller"}, retell=True) == "updated"
    found = await open_one(doors, visitor)
    assert (found["message"], found["data"]) == ("is fuller", {"repeats": 2, "status": "firing"})
    assert await episodes.resolve(visitor, (ALICE,), "fp", {"ends_at": "x"}) == "resolved"
    assert await open_one(doors, visitor) is None
    assert await episodes.resolve(visitor, (ALICE,), "fp", {}) == "ignored"


async def test_users_who_have_it_and_users_who_have_not(doors, visitor):
    await report(doors, visitor)
    assert await report(doors, visitor, users=(ALICE, BOB)) == "created"
    assert (await open_one(doors, visitor))["data"]["repeats"] == 1
    assert (await open_one(doors, visitor, BOB))["data"]["repeats"] == 0


async def test_another_sender_was_first(doors, visitor, monkeypatch):
    """This one looked at the store before the other one stored."""
    await report(doors, visitor)
    named, blind = doors.keyed.named, [True]

    async def late(*args):
        return None if blind and blind.pop() else await named(*args)

    monkeypatch.setattr(doors.keyed, "named", late)
    assert await report(doors, visitor) == "updated"
    assert (await open_one(doors, visitor))["data"]["repeats"] == 1


@pytest.mark.parametrize("act", ["report", "resolve"])
async def test_who_is_always_too_late_is_to_come_again(doors, visitor, monkeypatch, act):
    await report(doors, visitor)
    named, looks = doors.keyed.named, []

    async def outrun(sender, key, user):
        found = await named(sender, key, user)
        looks.append(found)
        await doors.keyed.change(found, ALICE, {"message": f"by another, {len(looks)}"})
        return found

    monkeypatch.setattr(doors.keyed, "named", outrun)
    late = report(doors, visitor) if act == "report" else Episodes(doors).resolve(visitor, (ALICE,), "fp", {})
    with pytest.raises(NotifierError) as raised:
        await late
    assert raised.value.code is ErrorCode.CONFLICT and len(looks) == TRIES


async def test_an_end_leaves_the_key_to_a_later_one(doors, visitor):
    """A key is closed by whoever changed what it named, not by who looked at it before."""
    await report(doors, visitor)
    old = await doors.keyed.named(visitor.caller.name, "fp", ALICE.key)
    await Episodes(doors).resolve(visitor, (ALICE,), "fp", {})
    assert await report(doors, visitor) == "created"
    assert await doors.keyed.change(old, ALICE, {"title": "late"}, (visitor.caller.name, "fp")) == 0
    assert (await open_one(doors, visitor))["title"] == "Disk"


async def test_what_has_gone_and_what_cannot_be_read(doors, visitor, redis):
    await report(doors, visitor)
    known = await doors.keyed.named(visitor.caller.name, "fp", ALICE.key)
    await redis.call("SET", f"notification:{known.notification_id}", "spoilt", "KEEPTTL")
    assert await doors.keyed.named(visitor.caller.name, "fp", ALICE.key) is None
    await redis.call("DEL", f"notification:{known.notification_id}")
    assert await doors.keyed.change(known, ALICE, {"title": "x"}) == -1
    assert await report(doors, visitor) == "created"


async def test_a_title_at_its_limit_and_data_of_another(doors, visitor):
    await report(doors, visitor, said=SAID | {"title": "t" * 256})
    known = await doors.keyed.named(visitor.caller.name, "fp", ALICE.key)
    await doors.keyed.change(known, ALICE, {"data": {"repeats": "many"}})
    assert await report(doors, visitor) == "updated"
    assert (await open_one(doors, visitor))["data"] == {"repeats": 1}
    assert await Episodes(doors).resolve(visitor, (ALICE,), "fp", {}) == "resolved"
    (item,) = await doors.inbox(ALICE, 1)
    assert item["title"] == "✓ " + "t" * 254 and item["data"] == {"repeats": 1, "status": "resolved"}


async def test_what_goes_on_for_long_is_not_forgotten(doors, visitor, redis):
    await report(doors, visitor, said=SAID | {"ttl": "1h"})
    known = await doors.keyed.named(visitor.caller.name, "fp", ALICE.key)
    payload, names = f"notification:{known.notification_id}", "notif:keys:1-alice"

    async def aged():
        for key in (payload, names):
            await redis.call("PEXPIRE", key, 60_000)

    hour, month = 3_600_000, 31 * 86_400_000
    for work in (report, Episodes(doors).resolve):
        await aged()
        await (work(doors, visitor) if work is report else work(visitor, (ALICE,), "fp", {}))
        assert hour - 10_000 < await redis.call("PTTL", payload) <= hour
        if work is report:
            assert month < await redis.call("PTTL", names) <= month + hour
    assert await report(doors, visitor, said=SAID) == "created"
    known = await doors.keyed.named(visitor.caller.name, "fp", ALICE.key)
    await redis.call("SET", "notif:retention:1-alice", "3")
    await report(doors, visitor)
    assert 3 * 86_400_000 - 10_000 < await redis.call("PTTL", f"notification:{known.notification_id}") <= 3 * 86_400_000
