"""Deliveries from a topic of librdkafka's mock brokers, which run in another process."""

import asyncio
import hashlib
import zlib

import pytest

from notifier.domain.ids import derived_id
from notifier.errors import ErrorCode, NotifierError
from notifier.ingest.ingest import Ingest
from notifier.ingest.messages import SEED
from notifier.ingest.options import options_of
from notifier.store.keys import Keys
from tests.ingest.conftest import FAST, PARTITIONS, order
from tests.support import eventually


def contents(records):
    return sorted(record["content"] for record in records)


async def test_a_topic_is_read_from_its_beginning(topic, start_reader):
    topic.put(order("1", type="sms", recipient="+905551234567", priority=0, colour="red"))
    topic.put(order("2", type="inapp", recipient="1-alice", priority=3, user_id=None), partition=1)
    topic.put(order("3", type="email", recipient="ada@example.com", created_at="2026-01-01T12:00:00Z"))
    pod = await start_reader()
    await pod.has_stored(3)
    records = {record["channel"]: record for record in await pod.records()}
    assert records["sms"]["recipient"] == "+905551234567"
    assert [records[channel]["priority"] for channel in ("sms", "inapp", "email")] == ["low", "high", "normal"]
    assert records["email"]["created_at"] == "2026-01-01T12:00:00.000Z"
    assert records["email"]["subject"] == "Order"
    assert {record["status"] for record in records.values()} == {"queued"}
    await topic.has_committed(2, 1)


async def test_who_sends_the_most_counts_what_is_new_under_its_topic(topic, start_reader):
    pod = await start_reader()
    topic.put(order("1"), order("1"), order("2"), order("3", type="sms", recipient="+905551234567", user_id=None))
    await topic.has_committed(4, -1001)

    async def counted():
        found = await pod.get("/api/v1/admin/talkers")
        return found if sum(row["count"] for row in found["user"]) == 3 else None

    found = await eventually(counted)
    assert found["source"] == [{"name": f"kafka:{topic.name}", "count": 3}]
    assert found["user"] == [{"name": "42", "count": 2}, {"name": "+905551234567", "count": 1}]
    assert (found["caller"], found["address"]) == ([], [])


async def test_the_same_id_again_is_the_same_delivery(topic, start_reader):
    pod = await start_reader()
    topic.put(order("1"), order("1"), order("2"))
    topic.put(order("1"), partition=1)
    topic.put(order(None), order(None))
    await pod.has_stored(4)
    await topic.has_committed(5, 1)
    assert contents(await pod.records()) == ["order 1", "order 2", "order None", "order None"]


async def test_poison_goes_to_the_dead_letters_and_reading_goes_on(topic, start_reader):
    pod = await start_reader()
    poison = [b"\xff\0" * 4000, None, b'{"body": "to nobody"}', order("9", type="sms", recipient="12")]
    for value in poison:
        topic.put(value, partition=1)
    topic.put(order("1"), order("9", type="sms", recipient="+905551234567"), partition=1)
    await pod.has_stored(2)  # with them the message 9, as corrected
    entries = {entry["offset"]: entry for entry in await pod.dead_letters()}
    assert {offset: entry["reason"] for offset, entry in entries.items()} == {
        0: "kafka_malformed",
        1: "kafka_malformed",
        2: "kafka_no_address",
        3: "kafka_invalid",
    }
    assert all((entry["topic"], entry["partition"]) == (topic.name, 1) for entry in entries.values())
    assert entries[2]["raw"] == '{"body": "to nobody"}'
    assert len(entries[0]["raw"]) < 2000
    assert "recipient: must be a number in E.164" in entries[3]["error"]
    kafka = await pod.kafka()
    assert (kafka["status"], kafka["dead_letters"]) == ("ok", 4)


async def test_what_the_store_refuses_for_itself_holds_nothing_up(topic, start_reader, monkeypatch):
    """A message at which the script stops is a dead letter; those before and behind it are stored."""
    pod = await start_reader()
    script = pod.app.pipeline.deliveries._script["create"]
    stop = f"if ARGV[i] == '{delivery_id_of(topic, 3)}' then error('a defect in the store') end"
    text = "for i = 1, #ARGV do " + stop + " end\n" + script.text
    monkeypatch.setattr(script, "_packed", zlib.compress(text.encode()))
    monkeypatch.setattr(script, "sha", hashlib.sha1(text.encode()).hexdigest())
    topic.put(*(order(f"{number}") for number in range(5)))
    await topic.has_committed(5, -1001)
    assert contents(await pod.records()) == ["order 0", "order 1", "order 2", "order 4"]
    (entry,) = await pod.dead_letters()
    assert (entry["reason"], entry["offset"]) == ("kafka_refused", 3)


async def test_a_key_that_something_else_has_taken_is_set_aside(topic, start_reader, redis):
    topic.put(*(order(f"{number}") for number in range(5)))
    taken = Keys().delivery(f"record:{delivery_id_of(topic, 3)}")
    await redis.call("SET", taken, "something else", "EX", 60)
    pod = await start_reader()
    await topic.has_committed(5, -1001)
    assert contents(await pod.records()) == [f"order {number}" for number in range(5)]
    assert await pod.dead_letters() == []


def delivery_id_of(topic, number):
    return derived_id(SEED, f"id\n{topic.name}\n{number}")


@pytest.mark.slow
async def test_while_the_store_is_away_nothing_is_committed_and_no_partition_lost(topic, start_reader):
    pod = await start_reader()
    topic.put_many(10)
    await pod.has_stored(10)
    await topic.has_committed(5, 5)
    store = pod.app.redis
    up, store.address = store.address, store.address._replace(path="/nowhere")
    store._link.close()
    topic.put_many(30, start=10)
    await eventually(lambda: pod.state.paused, "the pause")
    assert "the store is not available" in pod.state.report()["error"]
    await eventually(lambda: pod.state.lag == 30, "the lag")
    assert "\nkafka_lag 30.0\n" in (await pod.client.get("/metrics")).text
    topic.put_many(3000, start=40)
    await eventually(lambda: pod.state.lag == 3030, "the lag")
    # what comes meanwhile is left with the brokers, and the partitions are still this pod's
    assert sum(len(batch.letters) for batch in pod.app.ingest._reader._backlog) <= 30
    assert pod.state.partitions == PARTITIONS
    assert await topic.committed() == [5, 5]
    store.address = up
    await pod.has_stored(3040)
    await topic.has_committed(1520, 1520)
    await eventually(lambda: pod.state.lag == 0, "the lag")
    assert (await pod.kafka())["status"] == "ok"
    topic.put_many(2, start=3040)
    await pod.has_stored(3042)  # the partitions are resumed


@pytest.mark.slow
async def test_brokers_that_go_are_seen_and_found_again(brokers, topic, start_reader):
    pod = await start_reader()
    topic.put_many(4)
    await pod.has_stored(4)
    await eventually(lambda: pod.state.report()["status"] == "ok", "health")
    brokers.command("down")
    try:
        await eventually(lambda: pod.state.report().get("error") == "no broker can be reached", "the trouble")
        assert (await pod.get("/health"))["status"] == "ok"  # the pod itself serves
    finally:
        brokers.command("up")
    topic.put_many(4, start=4)
    await pod.has_stored(8)
    await eventually(lambda: pod.state.report()["status"] == "ok", "health")
    assert len(await pod.records()) == 8


@pytest.mark.slow
async def test_two_pods_share_and_hand_over(topic, start_reader):
    first = await start_reader("pod-a")
    topic.put_many(100)
    await first.has_stored(100)
    second = await start_reader("pod-b")
    await eventually(lambda: first.state.partitions == second.state.partitions == 1, "a share for each")
    topic.put_many(100, start=100)
    await eventually(lambda: first.state.stored + second.state.stored == 200, "all")
    assert first.state.stored == second.state.stored + 100
    await first.leave()
    topic.put_many(100, start=200)
    await eventually(lambda: second.state.partitions == PARTITIONS, "the other's share")
    await second.has_stored(150)
    records = await second.records()
    assert contents(records) == sorted(f"order {number}" for number in range(300))
    await second.leave()
    assert await topic.committed() == [150, 150]  # leaving commits what is stored


@pytest.mark.slow
async def test_a_partition_given_away_is_not_committed_beyond_what_is_stored(topic, start_reader):
    first = await start_reader("pod-a")
    first.app.ingest._accept = Refusing(first.app.pipeline.accept)
    topic.put_many(20)
    await eventually(lambda: first.state.paused, "the pause")
    second = await start_reader("pod-b")
    await eventually(lambda: first.state.partitions == 1, "a share for each")
    await second.has_stored(10)  # from the beginning of its partition
    assert sorted(await topic.committed())[0] < 0
    first.app.ingest._accept.refuses = False
    await first.has_stored(10)
    assert first.state.stored + second.state.stored == 20
    assert len(await first.records()) == 20
    await topic.has_committed(10, 10)


class Refusing:
    """A service that refuses for a while."""

    def __init__(self, accept):
        self._accept, self.refuses = accept, True

    async def accept(self, drafts):
        if self.refuses:
            raise NotifierError(ErrorCode.UNAVAILABLE, "the store is not available: refused")
        return await self._accept.accept(drafts)

    async def bury(self, items):
        return await self._accept.bury(items)


async def test_a_reader_that_fails_is_started_again(topic, start_reader, monkeypatch):
    monkeypatch.setattr("notifier.duties.kafka_consumer.SOUND_AFTER", 0.1)
    pod = await start_reader()
    duty = next(duty for duty in pod.app.duties if duty.name == "kafka consumer")

    def fail(self, batch):
        monkeypatch.undo()
        raise RuntimeError("by the test")

    monkeypatch.setattr("notifier.ingest.reader.Reader._mark", fail)
    topic.put_many(10)
    await eventually(lambda: duty.last_error == "by the test", "the failure")
    await topic.has_committed(5, 5)
    assert len(await pod.records()) == 10
    assert pod.app.metrics.duty_failures["kafka consumer"] == 1
    await eventually(lambda: duty.healthy, "the duty's health")


async def test_a_pod_without_brokers_or_without_the_role_reads_nothing(start_pod):
    for changes in ({}, {"kafka_brokers": "127.0.0.1:1", "roles": "http,delivery"}):
        pod = await start_pod(**changes)
        assert pod.pod.ingest is None
        assert (await pod.get("/health")).json()["components"]["kafka"] == {"status": "off"}
        assert "kafka_lag 0.0" in (await pod.get("/metrics")).text


async def test_a_topic_that_is_not_there_is_told_and_waited_for(topic):
    ingest = Ingest(
        options_of([topic.address], "nobody's", "pod-a", FAST | {"topic.metadata.refresh.interval.ms": "100"}),
        "not-there",
        None,
    )
    watch = asyncio.create_task(ingest.keep_reading(60))
    await eventually(lambda: "not-there" in ingest.state.report().get("error", ""), "the trouble")
    await ingest.stop(5)
    await watch
