"""Doors: other programs' protocols, their requests and their keys."""

from __future__ import annotations

import time

import pytest

from tests.tui.answers import rfc3339
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.record import RecordDetail


def visited() -> FakeCluster:
    cluster = small_cluster()
    none = {"accepted": 0, "refused": 0, "limited": 0, "failed": 0}
    key = {"id": "3d8ceb9d-a2b0-47bc-a139-30efe43e5687", "door": "ntfy", "to": ["1-alice", "2-bob"]}
    key |= {"created_at": rfc3339(0), "expires_at": None, "last_used": rfc3339(time.time() - 90)}
    cluster.cockpit.doors = {
        "doors": [
            {"door": "ntfy", "open": True, **none, "accepted": 8120, "failed": 3},
            {"door": "hooks", "open": False, **none},
        ],
        "keys": [
            key | {"name": "kuma"},
            key | {"id": "x", "name": "old\x1b[31m", "door": "hooks", "to": ["1-alice"], "last_used": None},
        ],
    }
    return cluster


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_requests_and_keys_are_in_sight(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("p", "Accepted", "Refused", "Limited", "Failed", "Reaches", "Used")
        await stage.sees("ntfy", "8,120", "shut", "kuma", "1-alice", "1m", "old\\x1b[31m")

    play(story, size=size, cluster=visited())


def test_enter_opens_a_key() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("p", "kuma")
        await stage.press("tab", "enter")
        await stage.until(lambda: isinstance(stage.page, RecordDetail))
        await stage.sees("1-alice, 2-bob", "3d8ceb9d")

    play(story, cluster=visited())


def test_no_keys_and_an_older_server_say_so() -> None:
    cluster = small_cluster()

    async def story(stage: Stage) -> None:
        await stage.view("p", "notifier keys create --door")

    play(story, cluster=cluster)
    cluster.cockpit.doors = None

    async def older(stage: Stage) -> None:
        await stage.press("p")
        await stage.sees("it is older than this dashboard")

    play(older, cluster=cluster)
