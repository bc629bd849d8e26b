"""Every door with every kind of wrong or foreign key: refused in its own dialect, and nothing is stored."""

import json

import pytest

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.doors import DOORS, DoorTerms, new_token
from notifier.domain.users import User
from tests.web.http.test_auth import ADMIN, SETTINGS, bearer, token_of

ALICE, BOB = User(1, "alice"), User(2, "bob")
ALERT = {"status": "firing", "fingerprint": "f", "startsAt": "2026-01-01T00:00:00Z", "labels": {"alertname": "A"}}
ALERTS = {"version": "4", "groupKey": "g", "status": "firing", "alerts": [ALERT]}
KINDS = ("none", "nonsense", "unknown", "revoked", "at its end", "read", "observe", "user", "device")
KINDS += tuple(f"of {door}" for door in DOORS)


async def send(client, door, token, to=""):
    """A message by a door with a token; `to` is a user key that the request itself names."""
    match door:
        case "ntfy":
            return await client.post(f"/{to or 'ops'}", content="m", headers=bearer(token))
        case "gotify":
            return await client.post("/message", json={"message": "m"}, headers={"X-Gotify-Key": token})
        case "apprise":
            return await client.post(f"/notify/{token or 'none'}", json={"body": "m"})
        case _:
            query = f"?to={to}" if to else ""
            return await client.post(f"/hooks/alertmanager{query}", json=ALERTS, headers=bearer(token))


async def make(client, kind):
    """A token of that kind, none of which opens the door it is tried at but `of DOOR` there."""
    access, now = client.pod.access, client.pod.redis.clock.now()
    terms = DoorTerms(kind.removeprefix("of "), (ALICE,)) if kind.startswith("of ") else None
    match kind:
        case "none":
            return ""
        case "nonsense":
            return "no-token-of-any-kind"
        case "read" | "observe":
            return (await access.create_key(KeyRequest(kind, (Scope(kind),))))[1]
        case "user":
            return token_of()
        case "device":
            made = await client.post(
                "/api/v1/inbox/tokens?user_id=1&login=alice",
                content=json.dumps({"name": "phone"}),
                headers=bearer(ADMIN) | {"Content-Type": "application/json"},
            )
            return made.json()["token"]
        case _:
            return (await access.create_key(KeyRequest("a", (), now + 60, terms)))[1]


async def spoilt(client, door, kind):
    """A key of this very door that is unknown, revoked or at its end."""
    access, now = client.pod.access, client.pod.redis.clock.now()
    if kind == "unknown":
        return new_token(door)
    end = now - 1 if kind == "at its end" else None
    key, token = await access.create_key(KeyRequest("a", (), end, DoorTerms(door, (ALICE,))))
    if kind == "revoked":
        await access.revoke_key(key.id)
    return token


async def stored(client):
    found = []
    for user in (ALICE, BOB):
        path = f"/api/v1/inbox?user_id={user.id}&login={user.login}"
        found += (await client.get(path, headers=bearer(ADMIN))).json()["items"]
    return len(found)


@pytest.mark.parametrize("door", DOORS)
async def test_no_wrong_or_foreign_key_opens_a_door(start_pod, door):
    client = await start_pod(**SETTINGS)
    seen = {}
    for kind in KINDS:
        own = kind in ("unknown", "revoked", "at its end")
        token = await (spoilt(client, door, kind) if own else make(client, kind))
        response = await send(client, door, token)
        seen[kind] = response.status_code
        if kind != f"of {door}":
            assert "problem+json" not in response.headers["content-type"], kind
            assert token not in response.text or not token, kind
    assert seen.pop(f"of {door}") == 200
    assert {kind for kind, status in seen.items() if status not in (401, 403)} == set()
    assert await stored(client) == 1


@pytest.mark.parametrize("door", ["ntfy", "hooks"])
async def test_a_key_reaches_its_own_targets_alone(start_pod, door):
    client = await start_pod(**SETTINGS)
    token = await make(client, f"of {door}")
    assert (await send(client, door, token, BOB.key)).status_code == 403
    assert await stored(client) == 0
    assert (await send(client, door, token, ALICE.key)).status_code == 200
    assert await stored(client) == 1
