"""Providers: state, rate, breaker, latency; pausing a channel."""

from __future__ import annotations

import pytest

from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.support import Stage, play
from tui.details.record import RecordDetail
from tui.dialogs.confirm import Confirm


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_states_rates_and_latencies(size: tuple[int, int]) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("minus", "3 providers", "● closed", "✕ open", "◐ half-open", "‖ paused", "120 ms", "push:ios")
        if size[0] > 100:
            await stage.sees("4,210", "1.3 s", "Tries in")
        stage.cluster.deliveries.providers[0] |= {"state": "open", "failures": 5}
        stage.server.emit("provider.circuit", provider="twilio", state="open")
        await stage.until(lambda: stage.screen.count("✕ open") == 2)
        await stage.press("enter")
        await stage.sees("Failures in a row  5", '"failures": 5', "p50 48 ms, p95 120 ms, p99 1.3 s")
        assert isinstance(stage.page, RecordDetail)

    play(story, size=size)


def test_a_channel_is_paused_and_resumed_after_asking() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("minus", "3 providers")
        await stage.press("end", "P")
        await stage.asks("Pause the channel sms? 1,237 deliveries wait now; nothing is sent until it is resumed.")
        await stage.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Confirm))
        assert not stage.cluster.deliveries.queues[0]["paused"]
        await stage.press("P")
        await stage.asks("Pause the channel sms?")
        await stage.press("y")
        await stage.until(lambda: stage.screen.count("‖ paused") == 2)
        assert "The channel sms is paused" in stage.toasts
        await stage.press("P")
        await stage.asks("Resume the channel sms? 1,237 deliveries will be sent.")
        await stage.press("y")
        await stage.until(lambda: stage.screen.count("‖ paused") == 1)

    play(story, size=(120, 36))


def test_a_provider_of_one_platform_pauses_the_whole_channel_and_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("minus", "3 providers")
        await stage.press("down", "P")
        await stage.asks("Pause the channel push? 0 deliveries wait now")
        await stage.press("n", "d")
        await stage.sees("channel:push")
        await stage.counts("1 delivery")

    play(story)


def test_a_channel_of_the_overview_is_paused() -> None:
    async def story(stage: Stage) -> None:
        await stage.sees("Channels, 1,328 waiting")
        await stage.press("tab", "P")
        await stage.asks("Pause the channel push?")
        await stage.press("y")
        await stage.until(lambda: stage.screen.count("‖ paused") == 2)

    play(story, size=(80, 24))


def test_no_providers_say_why() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("minus", "none runs with the role delivery")
        await stage.press("enter", "P", "d", "y", "c")
        await stage.sees("none runs with the role delivery")

    play(story, cluster=FakeCluster(pods=small_cluster().pods, health=small_cluster().health))
