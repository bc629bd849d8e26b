"""Limits on what one user is sent: at `/notify` for each target, for deliveries by their user."""

import pytest

from notifier.domain.limits import OverLimit, Quota
from notifier.domain.users import User
from notifier.service.limit import DeliveryLimit, UserLimit
from notifier.store.limits import Limits

HOUR = 3600.0
ALICE, BOB, ZOE = User(1, "alice"), User(2, "bob"), User(3, "zoé")


def body(*users):
    return {"target": [{"id": user.id, "login": user.login} for user in users]}


async def test_the_least_that_is_left(store, redis):
    limit = UserLimit(Limits(store), (3, HOUR))
    await limit.take([ALICE], body(ALICE))
    quota = await limit.take([ALICE, BOB], body(ALICE, BOB))
    assert (quota.name, quota.limit, quota.window, quota.left) == ("notify", 3, HOUR, 1)


async def test_who_is_over_is_named_by_their_first_place(store, redis):
    limit = UserLimit(Limits(store), (1, HOUR))
    await limit.take([ZOE], body(ZOE))
    named = body(BOB, ZOE, ZOE)
    named["target"][1]["login"] = "zoe\u0301"  # the same login, not normalised
    with pytest.raises(OverLimit) as raised:
        await limit.take([BOB, ZOE], named)
    (error,) = raised.value.errors
    assert error.path == "target[1]" and error.message.startswith("3-zoé is over the limit for another 36")
    assert raised.value.quota.left == 0 and 1.0 <= raised.value.retry_after <= HOUR
    assert (await limit.take([BOB], body(BOB))).left == 0  # had not lost their place


async def test_deliveries_are_counted_by_user_apart_from_notifications(store, redis):
    limits = Limits(store)
    await UserLimit(limits, (1, HOUR)).take([ALICE], body(ALICE))
    one = DeliveryLimit(limits, (2, HOUR))
    assert await one.take("1-alice") == Quota("api", 2, HOUR, 1, HOUR / 2)
    await one.take("1-alice")
    with pytest.raises(OverLimit) as raised:
        await one.take("1-alice")
    assert raised.value.errors[0].path == "user_id"
    assert (await one.take("{x} *")).left == 1
    assert not [name for name in await redis.call("KEYS", "notif:limit:api:*") if b"alice" in name]
