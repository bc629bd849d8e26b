"""Doors as operators see them: requests by outcome over all instances, and keys with their last use."""

from notifier.domain.access import KeyRequest
from notifier.domain.doors import DOORS, DoorTerms, new_token
from notifier.domain.users import User
from tests.live.test_pods import two_pods
from tests.web.http.test_auth import ADMIN, SETTINGS, bearer

PATH = "/api/v1/admin/doors"


async def test_requests_and_keys_of_every_door(start_pod):
    client = await start_pod(doors="ntfy,gotify", **SETTINGS)
    made = {}
    for door in ("ntfy", "gotify"):
        terms = DoorTerms(door, (User(1, "alice"),), secret="")
        made[door] = await client.pod.access.create_key(KeyRequest(f"for {door}", (), None, terms))
    before = (await client.get(PATH, headers=bearer(ADMIN))).json()
    assert [row["door"] for row in before["doors"]] == list(DOORS)
    assert {row["door"] for row in before["doors"] if row["open"]} == {"ntfy", "gotify"}
    assert [key["last_used"] for key in before["keys"]] == [None, None]
    assert (await client.post("/ops", content="hi", headers=bearer(made["ntfy"][1]))).status_code == 200
    assert (await client.post("/ops", content="hi", headers=bearer(new_token("ntfy")))).status_code in (401, 403)
    after = (await client.get(PATH, headers=bearer(ADMIN))).json()
    ntfy = next(row for row in after["doors"] if row["door"] == "ntfy")
    assert (ntfy["accepted"], ntfy["refused"]) == (1, 1)
    used = {key["name"]: key["last_used"] for key in after["keys"]}
    assert used["for ntfy"] and used["for gotify"] is None
    assert made["ntfy"][1] not in str(after) and {"secret", "key"}.isdisjoint(after["keys"][0])


async def test_they_are_those_of_all_instances(start_pod):
    one, two = await two_pods(start_pod)
    for client in (one, two):
        assert (await client.post("/1-alice", content="hi")).status_code == 200
    rows = (await one.get(PATH)).json()["doors"]
    assert next(row["accepted"] for row in rows if row["door"] == "ntfy") == 2
