"""Questions to all pods: one's own answer first, a silent pod left out, foreign tickets ignored."""

import asyncio

import pytest

from notifier.live import peers as peers_module
from notifier.live.peers import Peers
from notifier.store.bus import Answer, Ask


class Bus:
    """Notes what is posted; a pod with peers answers at once."""

    def __init__(self):
        self.posted = []
        self.pods = {}

    def post(self, pod, message):
        self.posted.append((pod, message))
        if pod in self.pods:
            asyncio.get_running_loop().call_soon(self._deliver, self.pods[pod], message)

    def _deliver(self, peers, message):
        (peers.asked if isinstance(message, Ask) else peers.answered)(message)


@pytest.fixture
def pods(loop):
    bus = Bus()
    names = ["pod-a", "pod-b", "pod-c"]
    for name in names:
        bus.pods[name] = Peers(bus, name, lambda name=name: [other for other in names if other != name])
        bus.pods[name].answers("double", lambda number, name=name: (name, 2 * number))
    return bus


async def test_all_are_asked_and_one_s_own_answer_comes_first(pods):
    found = await pods.pods["pod-a"].ask("double", number=4)
    assert found[0] == ("pod-a", 8) and sorted(found) == [("pod-a", 8), ("pod-b", 8), ("pod-c", 8)]


async def test_a_silent_pod_is_left_out_and_forgotten(pods, monkeypatch):
    monkeypatch.setattr(peers_module, "TIMEOUT", 0.05)
    asked = pods.pods["pod-a"]
    del pods.pods["pod-c"]
    assert sorted(await asked.ask("double", number=1)) == [("pod-a", 2), ("pod-b", 2)]
    (late,) = [message for pod, message in pods.posted if pod == "pod-c"]
    asked.answered(Answer(late.ticket, "too late"))
    assert not asked._waiting


async def test_a_question_that_a_pod_of_another_version_does_not_know(pods):
    pods.pods["pod-b"].asked(Ask("of tomorrow", "t", "pod-a", {}))
    assert pods.posted == []


async def test_too_many_questions_at_once_are_answered_from_here(pods, monkeypatch):
    monkeypatch.setattr(peers_module, "TICKETS_MAX", 0)
    assert await pods.pods["pod-a"].ask("double", number=1) == [("pod-a", 2)]


async def test_alone_nobody_is_waited_for():
    alone = Peers(Bus(), "pod-a", list)
    alone.answers("users", list)
    assert await alone.ask("users") == [[]]
