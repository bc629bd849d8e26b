"""The limits on sends in running pods: counted over all of them, and changed while they run."""

import asyncio
import time

import msgspec
import pytest

from tests.delivery.client import create, ended
from tests.support import eventually


class Leases:
    """Leases of pods, and when: each between two moments on one clock, as near as the asker can tell."""

    def __init__(self):
        self.seen = []  # (asked, answered, pod), in the order of the answers

    def watch(self, pod):
        store = pod.pipeline.deliveries
        lease = store.lease

        async def watched(*args):
            asked = time.monotonic()
            found = await lease(*args)
            self.seen += [(asked, time.monotonic(), pod.settings.pod_id)] * len(found.leased)
            return found

        store.lease = watched

    def check(self, per_second):
        """In whatever window, no more than its length allows and one second's worth at once (contract §2)."""
        for first, (asked, _, _) in enumerate(self.seen):
            for last in range(first, len(self.seen)):
                window = self.seen[last][1] - asked
                number = last - first + 1
                assert number <= per_second * (1 + window) + 1e-3, f"{number} leased within {window:.3f} s"


@pytest.fixture
def leases():
    return Leases()


def recipient(number):
    return f"+90555{number:07d}"


async def test_the_channels_limit_second_by_second_over_two_pods(pod, scripted, leases):
    """40 a second and 100 to send: one second's worth at once, the rest as fast as the limit allows, and no faster."""
    pods = [await pod(name, rate_limit_per_channel="40", sms_workers="3") for name in ("pod-a", "pod-b")]
    for client in pods:
        leases.watch(client.pod)
    await asyncio.gather(*(create(pods[n % 2], recipient=recipient(n)) for n in range(100)))
    await eventually(lambda: len(scripted.taken) == 100, "all sends")
    leases.check(40)
    assert {name for _, _, name in leases.seen} == {"pod-a", "pod-b"}
    took = leases.seen[-1][1] - leases.seen[0][0]
    assert took >= 60 / 40 - 1e-3  # what is over the first second's worth


async def test_a_reload_changes_the_limits_of_running_pods(pod, scripted, leases):
    client = await pod(rate_limit_per_user="1", rate_limit_window="1h", rate_limit_policy="drop")

    def reload(**changes):
        client.pod.reconfigure(msgspec.structs.replace(client.pod.settings, **changes))

    async def outcome(number):
        return (await ended(client, await create(client, recipient=recipient(number))))["status"]

    assert [await outcome(0), await outcome(0)] == ["sent", "failed"]
    reload(rate_limit_per_user=2)
    assert [await outcome(0), await outcome(0)] == ["sent", "failed"]
    reload(rate_limit_policy="defer")
    late = await create(client, recipient=recipient(0))
    await ended(client, late, "scheduled")

    leases.watch(client.pod)
    reload(rate_limit_per_channel=2)
    before = len(scripted.taken)
    ids = [await create(client, recipient=recipient(number)) for number in range(1, 61)]
    await eventually(lambda: len(scripted.taken) >= before + 3, "the second second")
    leases.check(2)
    reload(rate_limit_per_channel=1000)
    for one in ids:  # 60 would take half a minute under the limit before; `eventually` waits for five seconds
        await ended(client, one, "sent")
