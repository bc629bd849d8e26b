"""Mock brokers for the session, and pods that read from them."""

import asyncio
import itertools
import json

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from notifier.pod.app import App
from notifier.serving.process import Server, bind
from tests.ingest.broker import BrokerProcess
from tests.support import eventually

PARTITIONS = 2
# A mock broker waits for the session's timeout less a second before it shares the partitions out anew.
FAST = {"session.timeout.ms": "1400", "heartbeat.interval.ms": "50"}
FAST |= {"auto.commit.interval.ms": "50", "reconnect.backoff.max.ms": "200", "statistics.interval.ms": "100"}
_numbers = itertools.count()


@pytest.fixture(scope="session")
def brokers():
    """A process of mock brokers."""
    process = BrokerProcess()
    yield process
    process.stop()


class Topic:
    """A topic of its own for one test, and the group that reads it."""

    def __init__(self, brokers):
        self.address = brokers.address
        self.name = f"orders-{next(_numbers)}"
        self.group = f"group-{self.name}"
        brokers.command(f"topic {self.name} {PARTITIONS}")
        # A consumer that only asks is no member of the group.
        self._member = Consumer({"bootstrap.servers": brokers.address, "group.id": self.group})
        self._producer = Producer({"bootstrap.servers": brokers.address, "linger.ms": 0, "log_level": 0})

    def put(self, *values, partition=0):
        """Writes messages (bytes, or what JSON is made of) and waits until they are there."""
        for value in values:
            raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
            self._producer.produce(self.name, raw, partition=partition)
        assert self._producer.flush(5) == 0

    def put_many(self, count, start=0, **changes):
        """Writes that many good messages over all partitions."""
        for partition in range(PARTITIONS):
            self.put(
                *(order(f"{number}", **changes) for number in range(start + partition, start + count, PARTITIONS)),
                partition=partition,
            )

    async def committed(self):
        """The offsets that the group has committed."""
        places = [TopicPartition(self.name, number) for number in range(PARTITIONS)]
        return [place.offset for place in await asyncio.to_thread(self._member.committed, places, 5)]

    async def has_committed(self, *offsets):
        """Waits until the group has."""

        async def look():
            return await self.committed() == list(offsets)

        await eventually(look, f"the commit of {offsets}")

    def close(self):
        self._member.close()


def order(message_id, **changes):
    """A good message."""
    return {
        "id": message_id,
        "user_id": "42",
        "type": "push",
        "title": "Order",
        "body": f"order {message_id}",
    } | changes


@pytest.fixture
def topic(brokers):
    found = Topic(brokers)
    yield found
    found.close()


class Pod:
    """A pod that reads, and its API."""

    def __init__(self, client, app, server):
        self.client, self.app, self.server = client, app, server
        self.state = app.ingest.state

    async def get(self, path):
        response = await self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    async def records(self):
        """All deliveries that are stored."""
        found, page = [], 1
        while rows := (await self.get(f"/api/v1/notifications?limit=100&page={page}"))["notifications"]:
            found += rows
            page += 1
        return found

    async def dead_letters(self):
        return (await self.get("/api/v1/admin/dlq?limit=100"))["entries"]

    async def kafka(self):
        """The component of health."""
        return (await self.get("/health"))["components"]["kafka"]

    async def has_stored(self, count):
        await eventually(lambda: self.state.stored >= count, f"{count} stored")

    async def leave(self):
        """Stops as on SIGTERM."""
        await self.server.close(5)


@pytest.fixture
def start_reader(redis, settings, sanic_client, topic, monkeypatch):
    """Starts pods that read the test's topic: `pod = await start_reader("pod-b")`."""
    monkeypatch.setattr("notifier.ingest.reader.MEASURE_EVERY", 0.1)
    monkeypatch.setattr("notifier.ingest.reader.LOOK_AGAIN", (0.05,))

    async def start(name="pod-a", **options):
        wanted = {"kafka_brokers": topic.address, "kafka_topic": topic.name, "consumer_group": topic.group}
        found = settings(name, roles="http,kafka", **wanted)
        kafka = FAST | options
        app = App(msgspec.structs.replace(found, kafka=kafka))
        server = Server(app, bind("127.0.0.1", 0))
        pod = Pod(await sanic_client(server.web), app, server)
        await eventually(lambda: pod.state.partitions > 0, "an assignment")
        return pod

    return start
