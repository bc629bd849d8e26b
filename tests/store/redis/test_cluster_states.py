"""The states of inboxes on a real Redis Cluster: whatever is promised of one server holds there, test by test."""

import asyncio
import inspect
import re
from functools import partial

import pytest

from notifier.config import load
from notifier.domain.times import format_time
from notifier.store.keys import INDEXES, ClusterKeys
from notifier.store.redis import client as redis_client
from notifier.store.redis import open as store
from notifier.store.redis.cluster import ClusterRedis
from notifier.store.redis.slots import slot_of
from tests.support import Inbox, notify
from tests.web.doors import test_alerts
from tests.web.doors.recorded import ALERTMANAGER, resolved
from tests.web.endpoints import test_notify_changes, test_old_clients, test_own_inbox
from tests.web.endpoints.test_own_inbox import until

pytestmark = pytest.mark.slow
PATIENCE = 20.0  # seconds; six servers on a busy machine may have no reply for a second

for _module in (test_own_inbox, test_notify_changes, test_old_clients):
    globals().update({name: test for name, test in vars(_module).items() if name.startswith("test_")})
guarded = test_own_inbox.guarded
for _name in (
    "an_alert_fires_repeats_and_is_resolved_in_one_line",
    "what_is_resolved_twice_changes_once_and_fires_anew",
    "a_repeat_may_come_to_the_top",
    "each_alert_of_a_group_is_one",
    "several_users_each_have_their_own",
    "two_senders_at_the_same_moment_make_one",
    "an_end_that_crosses_a_report_leaves_one_open_at_most",
    "what_was_taken_out_fires_anew",
):
    globals()[f"test_{_name}"] = getattr(test_alerts, f"test_{_name}")


class ClusterView:
    """The cluster by the names that keys have on one server, for tests whose users are all of alice's slot."""

    USER = re.compile(r"^(stream:user|notification_state|notif:[a-z:]+):(\d+-.+)$")

    def __init__(self, servers):
        self.servers, self.keys = servers, ClusterKeys()
        self.slot = slot_of("1-alice")

    async def call(self, command, key, *rest):
        """The reply to a command, of the server of its key."""
        if isinstance(key, bytes):  # as the server itself named it
            return await self.servers.ask(self.master(self.slot), command, key, *rest)
        name = self.name(key)
        return await self.servers.ask(self.master(slot_of(name)), command, name, *rest)

    def master(self, slot):
        return self.servers.masters[min(slot // 5461, 2)]

    def name(self, key):
        if (found := self.USER.match(key)) is not None:
            return f"{found[1]}:{{{found[2]}}}"
        if key.startswith("notification:"):
            return self.keys.payload("1-alice", key.partition(":")[2])
        kind = key.removeprefix("notif:")
        return self.keys.index(kind, self.keys.shards[self.slot]) if kind in INDEXES else key

    async def leaked(self):
        """Keys that would live for ever and are not listed as permanent."""
        indexes = tuple(f"notif:{name}:{{" for name in INDEXES)
        allowed = (*self.keys.permanent_prefixes, *indexes)
        found = []
        for port in self.servers.masters:
            for name in [key.decode() for key in await self.servers.ask(port, "KEYS", "*")]:
                forever = await self.servers.ask(port, "PTTL", name) == -1
                if forever and not name.startswith(allowed) and name not in self.keys.permanent:
                    found.append(name)
        return found


@pytest.fixture
def redis(loop, cluster, monkeypatch):
    """A view of an empty cluster; when the test is over, every key has a lifetime or is listed as permanent."""
    monkeypatch.setattr(store, "ClusterRedis", partial(ClusterRedis, reply_timeout=PATIENCE))
    monkeypatch.setattr(redis_client, "RETRY_FOR", PATIENCE)
    view = ClusterView(cluster)
    for port in cluster.masters:
        loop.run_until_complete(cluster.ask(port, "FLUSHALL"))
    yield view
    leaked = loop.run_until_complete(view.leaked())
    assert not leaked, f"keys without a lifetime: {leaked}"


@pytest.fixture
def settings(cluster, tmp_path):
    def build(pod="pod-a", **changes):
        values = {"server_addr": "127.0.0.1:0", "redis_addr": cluster.address, "pod_id": pod, "janitor_interval": "1h"}
        return load(values | {"data_dir": str(tmp_path), "log_level": "error"} | changes, {})

    return build


USERS = [{"id": number, "login": f"u{number}"} for number in range(1, 31)]


def of(user):
    """The query that names a user."""
    return f"user_id={user['id']}&login={user['login']}"


async def counts(client, user):
    answer = await client.get(f"/api/v1/inbox/counts?{of(user)}")
    return tuple(answer.json()["counts"][0].values())


async def test_keys_and_marks_work_across_slots(client):
    first = await notify(client, "red", targets=USERS, key="build")
    for on_same in ("bump", "replace", "keep"):
        assert await notify(client, on_same, targets=USERS, key="build", on_same=on_same) == first
    inboxes = [await Inbox.open(client, user["id"], f"{user['login']}&events=states,counts") for user in USERS]
    assert [one["message"] for inbox in inboxes for one in inbox.greeting] == ["replace"] * len(USERS)
    for user, nid in zip(USERS, first, strict=True):
        await client.post(f"/api/v1/inbox/{nid}/seen?{of(user)}")
    for inbox in inboxes:
        assert (await until(inbox, "inbox.counts"))["unseen"] == 0
    assert {await counts(client, user) for user in USERS} == {(1, 0, 1)}
    for user in USERS:
        answer = await client.delete(f"/api/v1/notify?key=build&{of(user)}")
        assert answer.json() == {"was": "unread"}
    assert {await counts(client, user) for user in USERS} == {(0, 0, 0)}


async def test_alerts_of_users_in_all_slots_are_one_each(client):
    path = "/hooks/alertmanager?" + "&".join(f"to={user['id']}-{user['login']}" for user in USERS)
    for body, outcome in ((ALERTMANAGER, "created"), (ALERTMANAGER, "updated"), (resolved(), "resolved")):
        answers = await asyncio.gather(*(client.post(path, json=body) for _ in range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
        assert outcome in [name for answer in answers for name, number in answer.json().items() if number]
    for user in USERS:
        (item,) = (await client.get(f"/api/v1/inbox?{of(user)}")).json()["items"]
        assert (item["data"]["status"], item["data"]["repeats"]) == ("resolved", 7)
    assert (await client.post(path, json=ALERTMANAGER)).json()["created"] == 1
    assert {(await counts(client, user))[2] for user in USERS} == {2}


async def test_what_is_put_off_in_any_slot_comes_back(client, redis):
    later = format_time(client.pod.redis.clock.now() + 0.5)
    await notify(client, "reminder", targets=USERS, deliver_at=later)
    snoozed = await notify(client, "put off", targets=USERS)
    for user, nid in zip(USERS, snoozed, strict=True):
        assert (await client.put(f"/api/v1/inbox/{nid}/snooze?{of(user)}", json={"for": "1h"})).status_code == 200
    inboxes = [await Inbox.open(client, user["id"], user["login"]) for user in USERS]
    while await client.pod.reports.snoozed() > len(USERS):
        await redis.call("DEL", "notif:sweep:waker")
        await client.pod.person.waker.round()
    for inbox in inboxes:
        assert (await inbox.receive("notification.push"))["message"] == "reminder"
        assert await inbox.is_quiet()


def test_all_of_them_are_here():
    assert sum(inspect.iscoroutinefunction(one) for one in globals().values()) > 50
