"""The rate at which deliveries are taken from Kafka: `make bench-kafka`.

    python -m tests.bench.kafka --messages 100000

Fills a topic of mock brokers in another process, then starts the real program with its own Redis, and times from the
first message stored to the last. Prints messages per second, and the CPU per message of the pod, of Redis and of the
brokers. At the end the records are counted over the API.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from tests.bench.measure import cpu_seconds, memory_mib
from tests.e2e.server import ServerProcess
from tests.ingest.broker import BrokerProcess

TOPIC = "notifications"
LEAST_PARTITIONS = 4
PER_PARTITION = 6000  # messages: a mock broker keeps 5 MB of a partition, and drops what is older
PATIENCE = 60.0
CHANNELS = (
    ("sms", {"recipient": "+905551234567"}),
    ("email", {"recipient": "ada@example.com"}),
    ("push", {}),
)


def message(number: int) -> bytes:
    """A message such as a shop would send."""
    kind, address = CHANNELS[number % len(CHANNELS)]
    body = {
        "id": f"order-{number}",
        "user_id": f"user-{number % 10_000}",
        "type": kind,
        "title": "Your order",
        "body": "It has left our house and should be with you within two days. " * 2,
        "data": {"order": number, "link": f"https://shop.example/orders/{number}"},
        "priority": number % 4,
        "created_at": "2026-01-01T12:00:00Z",
    }
    return json.dumps(body | address).encode()


def produce(address: str, messages: int, partitions: int = LEAST_PARTITIONS) -> None:
    """Fills the topic."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address, "linger.ms": 50, "batch.num.messages": 10_000})
    for number in range(messages):
        while True:
            try:
                producer.produce(TOPIC, message(number), partition=number % partitions)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0


def cpu(server: ServerProcess, broker: BrokerProcess) -> tuple[float, ...]:
    """CPU seconds so far of pod, Redis and brokers."""
    redis = server.redis_pid
    assert redis is not None
    return cpu_seconds(server.pid), cpu_seconds(redis), cpu_seconds(broker.pid)


async def measure(server: ServerProcess, broker: BrokerProcess, messages: int) -> None:
    """Waits for all of them, and prints."""
    begun, before, first, idle = 0.0, cpu(server, broker), 0, memory_mib(server.pid)
    while True:
        kafka = server.get_health()["components"]["kafka"]
        now = time.monotonic()
        if not begun and kafka["stored"]:
            begun, before, first = now, cpu(server, broker), kafka["stored"]
        if kafka["stored"] >= messages:
            break
        assert not begun or now - begun < PATIENCE, f"stored {kafka['stored']:,} of {messages:,} only"
        await asyncio.sleep(0.05)
    seconds, count = now - begun, messages - first
    used = [(after - earlier) / count * 1e6 for after, earlier in zip(cpu(server, broker), before, strict=True)]
    print(f"{count / seconds:,.0f} messages/s ({count:,} in {seconds:.2f} s)")
    print("CPU per message: pod {:.0f} us, Redis {:.0f} us, brokers {:.0f} us".format(*used))
    print(f"memory of the pod: {idle:.1f} MiB at the start, {memory_mib(server.pid):.1f} MiB after")
    total = server.get("/api/v1/notifications?limit=1")["total"]
    print(f"records over the API: {total:,} of {messages:,}; dead letters {kafka['dead_letters']}")


async def run(messages: int, folder: Path) -> None:
    """Fills, starts, measures, ends."""
    broker = BrokerProcess()
    partitions = max(LEAST_PARTITIONS, -(-messages // PER_PARTITION))
    broker.command(f"topic {TOPIC} {partitions}")
    await asyncio.to_thread(produce, broker.address, messages, partitions)
    server = ServerProcess(folder / "data", KAFKA_BROKERS=broker.address)
    server.data_dir.mkdir()
    try:
        await server.start()
        await measure(server, broker, messages)
    finally:
        await server.stop()
        broker.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        asyncio.run(run(parser.parse_args().messages, Path(folder)))


if __name__ == "__main__":
    main()
