"""Calls of the deliveries' API, for the tests of what comes of them."""

from tests.support import eventually

DONE = ("sent", "failed", "expired", "cancelled")


async def create(client, channel="sms", recipient="+905551234567", **fields):
    body = {"channel": channel, "content": "hi", **({"recipient": recipient} if recipient else {}), **fields}
    answer = await client.post("/api/v1/notifications", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def look(client, identity):
    return (await client.get(f"/api/v1/notifications/{identity}")).json()


async def attempts(client, identity):
    return (await client.get(f"/api/v1/notifications/{identity}/status")).json()["attempts"]


async def ended(client, identity, *statuses):
    async def found():
        delivery = await look(client, identity)
        return delivery if delivery["status"] in (statuses or DONE) else None

    return await eventually(found, f"the end of {identity}")


async def session(client, platform, token, user="7"):
    body = {"user_id": user, "platform": platform, "device_token": token}
    assert (await client.post("/api/v1/sessions", json=body)).status_code == 201
