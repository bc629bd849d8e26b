"""The table of channels: what waits, what is held and why, how it goes out."""

from __future__ import annotations

import pytest

from tests.tui.fake_server import small_cluster
from tests.tui.support import Stage, play
from tui.deliveries.channels import Channel, _share
from tui.screens.channels import Channels
from tui.screens.deliveries import Deliveries

TITLES = ("Channel", "Circuit", "Waits", "Held", "Retry", "Later", "Out/s", "Ok%", "p95", "Dead/h")


def line(stage: Stage, start: str) -> list[str]:
    return next(line for line in stage.lines if line[1:].startswith(start))[1:].partition("│")[0].split()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_figure_of_a_channel_fits(width: int) -> None:
    async def story(stage: Stage) -> None:
        await stage.view("equals_sign", "5 channels, 1,328 waiting, 306 held")
        head = next(line for line in stage.lines if "Dead/h" in line)
        assert all(title in head for title in TITLES), head
        assert "".join(line(stage, "push")) == "push✕open3218open0000919ms0" + "–" * (width > 80)
        assert line(stage, "email")[:6] == ["email", "‖", "paused", "88", "88", "paused"]
        assert (
            line(stage, "sms")
            == ["sms", "●", "closed", "1,237", "0", "31", "4", "12", "99", "120", "ms", "3", "42", "s"][
                : 12 if width == 80 else 14
            ]
        )
        assert line(stage, "inapp")[-4 - (width > 80) :][:3] == ["0.4", "100", "–"]
        assert "…" not in stage.screen

    play(story, size=(width, 24))


def test_those_with_trouble_stand_first() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("equals_sign", "5 channels")
        assert [row.channel for row in stage.table.listing.visible] == ["push", "email", "webhook", "inapp", "sms"]

    play(story)


def test_enter_shows_its_deliveries_and_p_pauses_it() -> None:
    async def story(stage: Stage) -> None:
        await stage.view("equals_sign", "5 channels", "P pause channel")
        await stage.press("slash", *"sms", "enter", "enter")
        await stage.sees("channel:sms", "5 deliveries")
        assert isinstance(stage.page, Deliveries)
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.page, Channels))
        await stage.press("P")
        await stage.asks("Pause the channel sms")

    play(story)


def test_an_older_server_lacks_the_rest() -> None:
    cluster = small_cluster()
    cluster.cockpit.channels = None

    async def story(stage: Stage) -> None:
        await stage.view("equals_sign", "5 channels, 1,325 waiting, 0 held")
        assert line(stage, "email") == ["email", "‖", "paused", "88", *["–"] * 7, "12", "min"]
        assert line(stage, "sms")[:4] == ["sms", "●", "closed", "1,237"]

    play(story, cluster=cluster)


@pytest.mark.parametrize(
    ("ratio", "said"), [(None, "–"), (1.0, "100"), (0.9999, "99"), (0.5, "50"), (0.004, "0"), (0.0, "0")]
)
def test_only_a_full_share_is_a_hundred(ratio: float | None, said: str) -> None:
    assert _share(ratio) == said


def test_any_row_is_read() -> None:
    row = Channel.read({"channel": 3, "held": "x", "paused": "yes", "ok_ratio": None})
    assert (row.channel, row.held, row.paused, row.state) == ("", None, False, "")
