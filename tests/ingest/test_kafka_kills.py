"""The real program, killed while it reads, and its Redis stopped."""

import asyncio
import os
import signal

import pytest

from tests.e2e.server import ServerProcess
from tests.ingest.conftest import FAST
from tests.support import eventually

pytestmark = pytest.mark.slow

MESSAGES = 6000


class Program:
    """The program over a topic."""

    def __init__(self, folder, topic):
        (folder / "data").mkdir()
        config = folder / "c.yml"
        config.write_text("kafka:\n" + "".join(f"  {name}: {value}\n" for name, value in FAST.items()))
        self.server = ServerProcess(
            folder / "data",
            arguments=("--config", str(config), "--roles", "http,kafka"),
            KAFKA_BROKERS=topic.address,
            KAFKA_TOPIC=topic.name,
            CONSUMER_GROUP=topic.group,
        )

    async def kafka(self):
        """The component of health."""
        return (await asyncio.to_thread(self.server.get_health))["components"]["kafka"]

    async def stored(self):
        """The number of deliveries that this process has stored."""
        return (await self.kafka())["stored"]

    async def is_paused(self):
        """True where `/health` says that reading is paused."""
        return "paused" in (await self.kafka()).get("error", "")

    async def total(self):
        """The number of deliveries that the API counts."""
        return (await asyncio.to_thread(self.server.get, "/api/v1/notifications?limit=1"))["total"]

    async def is_ready(self):
        """True once it serves."""
        return await asyncio.to_thread(self.server.is_ready)


@pytest.fixture
def program(topic, data_dir):
    return Program(data_dir, topic)


async def test_kill_and_restart_lose_nothing_and_store_nothing_twice(program, topic):
    await asyncio.to_thread(topic.put_many, MESSAGES)
    server = program.server
    try:
        await server.start()
        stored = await eventually(program.stored)
        server.kill()
        await server.wait()
        assert stored < MESSAGES, "it was killed too late to say anything"

        await server.start()
        assert await program.total() >= stored
        await topic.has_committed(MESSAGES // 2, MESSAGES // 2)
        assert await program.total() == MESSAGES
        assert (await program.kafka())["stored"] < MESSAGES

        os.kill(server.redis_pid, signal.SIGSTOP)
        await asyncio.to_thread(topic.put_many, 10, MESSAGES)
        try:
            await eventually(program.is_paused, "the pause")
            assert (await program.kafka())["partitions"] == 2
        finally:
            os.kill(server.redis_pid, signal.SIGCONT)
        await topic.has_committed(MESSAGES // 2 + 5, MESSAGES // 2 + 5)
        await eventually(program.is_ready, "the store")
        assert await program.total() == MESSAGES + 10
    finally:
        assert await server.stop() == 0
