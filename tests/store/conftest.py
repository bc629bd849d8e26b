"""Fixtures of the store's tests."""

import pytest


@pytest.fixture
def scripts(client, monkeypatch):
    """The names of the scripts that leave."""
    sent, send_script = [], client.pod.redis.send_script

    def record(script, *call):
        sent.append(script.name)
        send_script(script, *call)

    monkeypatch.setattr(client.pod.redis, "send_script", record)
    return sent
