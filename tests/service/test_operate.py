"""Answers to operators about all instances together."""

from tests.support import eventually


async def test_worker_count_adds_up_the_sending_slots_of_all_instances(start_pod):
    one = await start_pod(worker_count="3", sms_workers="5")
    two = await start_pod("pod-b", worker_count="2", sms_workers="4")
    own = [client.pod.pipeline.engine.slots for client in (one, two)]
    assert own[0] > own[1] >= 4

    async def all_counted():
        return (await one.get("/api/v1/metrics")).json()["worker_count"] == sum(own)

    await eventually(all_counted, "both instances in the sum")


async def test_an_instance_that_only_takes_in_has_no_sending_slots(start_pod):
    client = await start_pod(roles="http")
    assert (await client.get("/api/v1/metrics")).json()["worker_count"] == 0
