"""Several pods on one store (contract §4, §11)."""

import asyncio

from tests.support import ALICE, OVER_BOTH_PATHS, Inbox, eventually, expire_payloads, notify

pytestmark = OVER_BOTH_PATHS


async def two_pods(start_pod):
    one, two = await start_pod("pod-a"), await start_pod("pod-b")
    for client in (one, two):
        await client.pod.heartbeat.round()
        await eventually(lambda client=client: client.pod.bus_reader._reading is not None)
    return one, two


async def test_a_push_reaches_every_connection_on_whichever_pod(start_pod, redis):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    for sender in (one, two):
        (nid,) = await notify(sender)
        for inbox in (here, there):
            assert (await inbox.receive("notification.push"))["notification_id"] == nid


async def test_a_read_on_one_pod_is_seen_on_the_other(start_pod, redis):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    (nid,) = await notify(one)
    await here.receive("notification.push")
    await there.read(await there.receive("notification.push"))
    for inbox in (here, there):
        assert (await inbox.receive("notification.read.ack"))["notification_id"] == nid


async def test_order_is_kept_across_pods(start_pod, redis):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    await asyncio.gather(*(notify(client, str(i)) for i in range(40) for client in (one, two)))
    for inbox in (here, there):
        pushes = [await inbox.receive("notification.push") for _ in range(80)]
        positions = [tuple(map(int, push["stream_id"].split("-"))) for push in pushes]
        assert positions == sorted(set(positions))


async def test_the_lock_goes_to_the_pod_that_still_has_the_user(start_pod, redis):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    assert await redis.call("GET", "notif:lock:consumer:1-alice") == b"pod-a"
    await here.socket.close()

    async def taken():
        return await redis.call("GET", "notif:lock:consumer:1-alice") == b"pod-b"

    await eventually(taken)
    (nid,) = await notify(one)
    assert (await there.receive("notification.push"))["notification_id"] == nid


async def test_a_dead_pods_users_are_taken_over_and_miss_nothing(start_pod, redis):
    one, two = await two_pods(start_pod)
    await Inbox.open(one)
    there = await Inbox.open(two)
    await redis.call("SET", "notif:pod:pod-a", "dead", "PX", 60_000)
    for duty in one.pod.duties:
        await duty.stop()
    one.pod.router.hand_out = lambda *args, **options: None  # it reads the stream and dies before it pushes
    (nid,) = await notify(one)
    await redis.call("DEL", "notif:pod:pod-a")
    await two.pod.heartbeat.round()
    assert (await there.receive("notification.push"))["notification_id"] == nid
    assert await redis.call("GET", "notif:lock:consumer:1-alice") == b"pod-b"
    (second,) = await notify(two)
    assert (await there.receive("notification.push"))["notification_id"] == second


async def test_a_pod_that_was_taken_for_dead_catches_up(start_pod, redis):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    await one.pod.heartbeat.stop()
    await redis.call("DEL", "notif:pod:pod-a")  # it was paused for longer than its presence lasts
    await two.pod.heartbeat.round()

    async def taken():
        return await redis.call("GET", "notif:lock:consumer:1-alice") == b"pod-b"

    await eventually(taken)
    missed = [(await notify(two, str(i)))[0] for i in range(3)]
    for nid in missed:
        assert (await there.receive("notification.push"))["notification_id"] == nid
    await one.pod.heartbeat.round()
    for nid in missed:
        assert (await here.receive("notification.push"))["notification_id"] == nid
    (nid,) = await notify(one)
    for inbox in (here, there):
        assert (await inbox.receive("notification.push"))["notification_id"] == nid


async def test_a_pod_that_lost_its_lock_reads_nothing(start_pod, redis):
    one, two = await two_pods(start_pod)
    here = await Inbox.open(one)
    await redis.call("SET", "notif:lock:consumer:1-alice", "pod-b", "PX", 60_000)
    await redis.call("HSET", "notif:route:1-alice", "#fence", "999")
    (nid,) = await notify(two)
    assert await here.is_quiet()
    arrivals = []
    one.pod.inbox.arrivals(one.pod.holder, ["1-alice"], lambda users, rows: arrivals.extend(rows))
    await eventually(lambda: arrivals)
    assert arrivals[0].fresh == [] and arrivals[0].owner == b"pod-b"
    assert nid


async def test_expiry_is_told_on_every_pod(start_pod, redis):
    one, two = await two_pods(start_pod)
    here, there = await Inbox.open(one), await Inbox.open(two)
    await notify(one)
    for inbox in (here, there):
        await inbox.receive("notification.push")
    await expire_payloads(redis)
    two.pod.janitor._now = lambda: 4e9
    await two.pod.janitor.sweep()
    for inbox in (here, there):
        assert (await inbox.receive("notification.push"))["status"] == "auto_cleared"


async def test_admin_sees_all_pods(start_pod, redis):
    one, two = await two_pods(start_pod)
    await one.pod.heartbeat.round()
    await Inbox.open(one)
    there = await Inbox.open(two)
    await Inbox.open(two, 2, "bob")
    for client in (one, two):
        body = (await client.get("/api/v1/admin/clients")).json()
        assert body["total"] == 3 and {row["pod_id"] for row in body["clients"]} == {"pod-a", "pod-b"}
        users = (await client.get("/api/v1/admin/users")).json()["users"]
        assert {row["login"]: row["connections"] for row in users} == {"alice": 2, "bob": 1}
        assert len((await client.get("/api/v1/admin/users/1-alice")).json()["connections"]) == 2
    row = next(row for row in body["clients"] if row["pod_id"] == "pod-b" and row["login"] == "alice")
    assert (await one.delete(f"/api/v1/admin/clients/{row['connection_id']}")).status_code == 204
    assert await there.closed() == 1000
    assert (await one.post("/api/v1/admin/broadcast", json={"message": "m"})).json() == {"accepted": 2}


async def test_events_of_the_other_pod(start_pod, redis):
    one, two = await two_pods(start_pod)
    await one.pod.heartbeat.round()
    listener = one.pod.events.listen(frozenset(["notification.stored"]))
    one.pod._on_listener()
    await eventually(lambda: two.pod.events.wanted)
    seen = []

    async def heard():
        await notify(two)
        seen.extend(await listener.take(0.05))
        return seen

    await eventually(heard)
    assert seen[0][0] == "notification.stored" and b'"pod_id":"pod-b"' in seen[0][1]
    one.pod.events.leave(listener)


async def test_a_restarted_store_is_caught_up_with(client, redis):
    inbox = await Inbox.open(client)
    deliver = client.pod.router.hand_out
    client.pod.router.hand_out = lambda *args, **options: None
    (nid,) = await notify(client, targets=[ALICE])
    client.pod.router.hand_out = deliver
    client.pod.bus_reader.restart()
    assert (await inbox.receive("notification.push"))["notification_id"] == nid


async def test_a_pod_not_seen_yet_is_not_taken_for_dead(start_pod, redis):
    one = await start_pod("pod-a")
    await one.pod.heartbeat.round()
    two = await start_pod("pod-b")
    one.pod.heartbeat._alive = {"pod-a"}  # its last look was before pod-b came
    there = await Inbox.open(two)
    here = await Inbox.open(one)
    assert await redis.call("GET", "notif:lock:consumer:1-alice") == b"pod-b"
    (nid,) = await notify(one)
    for inbox in (here, there):
        assert (await inbox.receive("notification.push"))["notification_id"] == nid


async def test_a_pod_that_was_killed_and_is_back_at_once_inherits_its_locks(start_pod, redis):
    one, two = await two_pods(start_pod)
    await Inbox.open(one)
    there = await Inbox.open(two)
    for duty in one.pod.duties:
        await duty.stop()
    one.pod.router.hand_out = lambda *args, **options: None  # it reads the stream and dies before it pushes
    (lost,) = await notify(one)
    (unread,) = await notify(two)
    again = await start_pod("pod-a")
    for nid in (lost, unread):
        assert (await there.receive("notification.push"))["notification_id"] == nid
    for sender in (again, two):
        (nid,) = await notify(sender)
        assert (await there.receive("notification.push"))["notification_id"] == nid
