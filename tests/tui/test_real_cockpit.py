"""Problems, search, channels, talkers, log lines and timelines against the program itself."""

from __future__ import annotations

import pytest

from tests.support import Inbox, notify
from tui.details.delivery import DeliveryDetail
from tui.details.user import OneUserDetail
from tui.details.why import WhyDetail
from tui.screens.channels import Channels

BOB = {"id": 2, "login": "bob"}


async def deliver(client, channel="sms", recipient="+905551234567", **more):
    body = {"channel": channel, "recipient": recipient, "content": "your code"} | more
    response = await client.post("/api/v1/notifications", json=body)
    assert response.status_code == 201, response.text
    return response.json()["id"]


def named(stage, kind):
    """The first problem of this kind; a slow machine has others beside it."""
    return next((problem for problem in stage.app.world.problems.problems if problem.kind == kind), None)


async def test_a_paused_channel_is_named_and_cleared(loop, client, look):
    async with look(client) as stage:
        await stage.until(lambda: stage.app.world.problems.answered_at)
        assert named(stage, "channel_paused") is None
        assert (await client.post("/api/v1/admin/channels/sms/pause")).status_code == 200
        await stage.until(lambda: named(stage, "channel_paused"))
        assert " problem" in stage.status
        await stage.view("exclamation_mark", "▲ warning")
        stage.burst("/", "channel_paused", "enter", "enter")
        await stage.until(lambda: isinstance(stage.page, Channels) and stage.table.selected)
        assert (stage.table.selected.channel, stage.table.selected.paused) == ("sms", True)
        await client.post("/api/v1/admin/channels/sms/resume")
        await stage.until(lambda: not named(stage, "channel_paused"))


async def test_a_delivery_and_its_user_are_found_and_explained(loop, client, look):
    identity = await deliver(client, user_id="2-bob")
    await Inbox.open(client)
    async with look(client) as stage:
        stage.burst(":", identity, "enter")
        await stage.until(lambda: isinstance(stage.page, DeliveryDetail))
        await stage.sees("✓ sent")
        await stage.press("e")
        await stage.until(lambda: isinstance(stage.page, WhyDetail))
        await stage.sees("try 1", "accepted for sms", "✓ sent")
        stage.burst(":", "1-alice", "enter")
        await stage.until(lambda: isinstance(stage.page, OneUserDetail))
        await stage.sees("Timeline", "● online")
        stage.burst(":", "+905551234567", "enter")
        await stage.sees("recipient:+905551234567", "1 delivery")


async def test_what_waits_for_its_time_is_no_hindrance(loop, client, look):
    await deliver(client, scheduled_at="2099-01-01T00:00:00Z")
    async with look(client) as stage:
        await stage.view("9", "◔ scheduled")
        await stage.press("e")
        await stage.sees("begins to wait: not_due", "due", "in ")


@pytest.mark.slow
async def test_channels_talkers_and_figures_are_told(loop, client, look):
    await notify(client, "hello", source="orders", targets=[BOB])
    await deliver(client)
    async with look(client) as stage:
        await stage.view("equals_sign", "5 channels", "● closed", "Oldest")
        await stage.view("b", "orders", "2-bob", "127.0.0.1")
        await stage.press("m")
        await stage.sees("1 minute", "orders")
        await stage.view("l", ", warnings and errors")  # a store that is slow meanwhile is a line of its own
        await stage.view("1", "Channels,")
        await stage.until(lambda: stage.page._minutes is not None)
        await stage.press("m")
        await stage.until(lambda: stage.page._minutes and len(stage.page._minutes.of("accepted")) == 359)
