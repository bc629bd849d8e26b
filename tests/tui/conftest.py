"""A dashboard on a pod."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from tests.tui.support import Stage, quickly
from tui.app import Dashboard
from tui.client import AdminClient
from tui.preferences import Preferences


@pytest.fixture
def look(tmp_path):
    """Opens a dashboard on a pod: `async with look(client) as stage`."""

    @asynccontextmanager
    async def opened(client, size=(120, 36), token=None, there=True):
        admin = AdminClient(f"http://127.0.0.1:{client.port}", token)
        app = Dashboard(admin, preferences=Preferences(tmp_path / "tui.json"))
        with quickly():
            async with app.run_test(size=size) as pilot:
                stage = Stage(SimpleNamespace(cluster=None), app, pilot)
                if there:
                    await stage.until(lambda: app.world.following and app.world.instances and app.world.history.latest)
                yield stage

    return opened
