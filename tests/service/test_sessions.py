"""Sessions and the limit on sends, as the API shows them."""

from notifier.domain.sessions import Session
from notifier.domain.times import parse_time
from notifier.service.sessions import SendRate, SessionService
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import digest
from notifier.store.keys import DELIVERIES
from notifier.store.sessions import Sessions

NOW = 1_800_000_000.0
AT = "2026-01-01T00:00:00.000Z"


async def test_addresses_are_shown_by_platform(store, redis):
    service = SessionService(Sessions(store, 3600.0))
    phone = await service.add(Session("7", "ios", "a" * 64, {}, AT))
    keys = {"p256dh": "p", "auth": "a"}
    browser = await service.add(Session("7", "web", "https://push.example/x", keys, AT))
    assert phone == {"user_id": "7", "platform": "ios", "device_token": "a" * 64, "created_at": phone["created_at"]}
    assert browser["subscription"] == {"endpoint": "https://push.example/x", "keys": keys}
    assert "device_token" not in browser
    assert await service.of("7") == [phone, browser]
    await service.drop("7")
    assert await service.of("7") == []


async def test_a_user_who_was_sent_nothing_has_all_of_the_limit(store, redis):
    rate = SendRate(Deliveries(store), (100, 60), lambda: NOW)
    found = await rate.look("u1")
    assert (found["user_id"], found["limit"], found["remaining"], found["window_s"]) == ("u1", 100, 100, 60)
    assert parse_time(found["reset_at"]) == NOW + 60


async def test_what_is_left_never_falls_below_nothing(store, redis):
    rate = SendRate(Deliveries(store), (100, 60), lambda: NOW)
    await redis.call("SET", f"{DELIVERIES}user_rate:{digest('u1')}", 30, "PX", 30_000)
    found = await rate.look("u1")
    assert found["remaining"] == 70 and NOW + 25 < parse_time(found["reset_at"]) <= NOW + 30
    rate.reconfigure((20, 10))
    assert (await rate.look("u1"))["remaining"] == 0
