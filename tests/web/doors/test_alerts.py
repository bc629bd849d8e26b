"""Alerts of Alertmanager and Grafana: one notification each, updated in place until it is resolved."""

import asyncio
import base64
import hashlib
import json

import pytest

from notifier.domain.access import KeyRequest, Scope
from notifier.domain.doors import DoorTerms, new_token
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from tests.support import Inbox
from tests.web.doors.recorded import ALERT, ALERTMANAGER, GRAFANA, JSON, ZERO, alerts, resolved, signature
from tests.web.endpoints.test_own_inbox import until, watch
from tests.web.http.test_auth import ADMIN, SETTINGS

ALICE, BOB = User(1, "alice"), User(2, "bob")
HOOK = "/hooks/alertmanager?to=1-alice"
CREATED = {"created": 1, "updated": 0, "resolved": 0, "ignored": 0}
UPDATED = {"created": 0, "updated": 1, "resolved": 0, "ignored": 0}
RESOLVED = {"created": 0, "updated": 0, "resolved": 1, "ignored": 0}
IGNORED = {"created": 0, "updated": 0, "resolved": 0, "ignored": 1}


async def post(client, body, path=HOOK, method="POST", headers=JSON):
    content = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return await getattr(client, method.lower())(path, content=content, headers=headers)


async def said(client, body, path=HOOK):
    response = await post(client, body, path)
    assert response.status_code == 200, response.text
    return response.json()


async def items(client, user=ALICE, headers=()):
    path = f"/api/v1/inbox?user_id={user.id}&login={user.login}"
    return (await client.get(path, headers=dict(headers))).json()["items"]


async def make_key(pod, to=(ALICE,), **terms):
    _, token = await pod.access.create_key(KeyRequest("alertmanager", (), None, DoorTerms("hooks", to, **terms)))
    return token


async def test_an_alert_fires_repeats_and_is_resolved_in_one_line(client):
    inbox = await watch(client)
    assert await said(client, ALERTMANAGER) == CREATED
    push = await until(inbox, "notification.push")
    assert (push["title"], push["message"], push["priority"]) == ("Disk of db1 is full", "/var has 1 % left.", "high")
    assert push["url"] == ALERT["generatorURL"] and push["source"] == "hooks"
    assert push["data"] == {
        "repeats": 0,
        "status": "firing",
        "starts_at": "2026-11-28T05:01:02.003Z",
        "severity": "critical",
        "receiver": "notifier",
        "labels": ALERT["labels"],
    }
    for repeats in (1, 2):
        assert await said(client, ALERTMANAGER) == UPDATED
        assert (await until(inbox, "notification.update"))["data"]["repeats"] == repeats
    assert await said(client, resolved()) == RESOLVED
    update = await until(inbox, "notification.update")
    assert (update["title"], update["data"]["status"]) == ("✓ Disk of db1 is full", "resolved")
    assert (update["data"]["ends_at"], update["data"]["repeats"]) == ("2026-11-28T05:11:02.003Z", 2)
    (item,) = await items(client)
    assert item["notification_id"] == push["notification_id"] and item["key"] == ALERT["fingerprint"]
    assert (item["title"], item["revision"], item["read"]) == ("✓ Disk of db1 is full", 4, False)


async def test_what_is_resolved_twice_changes_once_and_fires_anew(client):
    assert await said(client, resolved()) == IGNORED
    assert await items(client) == []
    await said(client, ALERTMANAGER)
    assert await said(client, resolved()) == RESOLVED
    before = await items(client)
    assert await said(client, resolved(ends=ZERO)) == IGNORED and await items(client) == before
    assert await said(client, ALERTMANAGER) == CREATED
    new, old = await items(client)
    assert new["notification_id"] != old["notification_id"]
    assert [item["data"]["status"] for item in (new, old)] == ["firing", "resolved"]
    assert await said(client, resolved(ends=ZERO)) == RESOLVED
    new, old = await items(client)
    assert [item["data"]["status"] for item in (new, old)] == ["resolved", "resolved"]
    assert "ends_at" not in new["data"] and "ends_at" in old["data"]


async def test_plain_connections_hear_of_the_new_one_alone(client):
    inbox = await Inbox.open(client)
    await said(client, ALERTMANAGER)
    assert (await inbox.receive())["type"] == "notification.push"
    await said(client, ALERTMANAGER)
    await said(client, resolved())
    assert await inbox.is_quiet()


async def test_a_repeat_may_come_to_the_top(client):
    path = f"{HOOK}&repeat=bump"
    assert await said(client, ALERTMANAGER, path) == CREATED
    other = alerts(ALERTMANAGER, {"fingerprint": "ff", "labels": {"alertname": "Other"}})
    assert await said(client, other, path) == CREATED
    assert await said(client, ALERTMANAGER, path) == UPDATED
    top, below = await items(client)
    assert (top["key"], top["data"]["repeats"], top["revision"]) == (ALERT["fingerprint"], 1, 2)
    assert below["key"] == "ff"
    assert await said(client, resolved(), path) == RESOLVED


async def test_each_alert_of_a_group_is_one(client):
    body = alerts(ALERTMANAGER, {"fingerprint": "a"}, {"fingerprint": "b"}, {"fingerprint": "c", "status": "resolved"})
    assert await said(client, body) == {"created": 2, "updated": 0, "resolved": 0, "ignored": 1}
    body["alerts"][0]["status"] = "resolved"
    assert await said(client, body) == {"created": 0, "updated": 1, "resolved": 1, "ignored": 1}
    assert [(item["key"], item["data"]["status"]) for item in await items(client)] == [
        ("b", "firing"),
        ("a", "resolved"),
    ]


async def test_a_group_may_be_one(client):
    path = f"{HOOK}&per=group"
    two = ({"fingerprint": "a"}, {"fingerprint": "b", "labels": {"alertname": "DiskFull", "severity": "warning"}})
    assert await said(client, alerts(ALERTMANAGER, *two, truncatedAlerts=7), path) == CREATED
    (item,) = await items(client)
    assert (item["title"], item["priority"], item["data"]["firing"]) == ("DiskFull", "high", 2)
    assert item["message"] == "2 firing\n- Disk of db1 is full\n- Disk of db1 is full\n+7 more"
    assert item["key"] == hashlib.sha256(ALERTMANAGER["groupKey"].encode()).hexdigest()
    assert await said(client, alerts(ALERTMANAGER, two[1]), path) == UPDATED
    (item,) = await items(client)
    assert (item["message"], item["priority"]) == ("1 firing\n- Disk of db1 is full", "normal")
    assert (item["data"]["repeats"], item["data"]["firing"]) == (1, 1)
    assert await said(client, resolved(), path) == RESOLVED
    assert await said(client, resolved(), path) == IGNORED
    (item,) = await items(client)
    assert (item["title"], item["data"]["status"], item["data"]["firing"]) == ("✓ DiskFull", "resolved", 0)
    many = [{"fingerprint": str(number)} for number in range(60)]
    await said(client, alerts(ALERTMANAGER, *many, truncatedAlerts=5), path)
    assert (await items(client))[0]["message"].endswith("\n+40 more")


async def test_what_was_left_out_is_said(client):
    await said(client, alerts(ALERTMANAGER, truncatedAlerts=3))
    assert (await items(client))[0]["message"] == "/var has 1 % left.\n+3 more"


@pytest.mark.parametrize("path", ["/hooks/alertmanager", "/hooks/grafana"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("body", [ALERTMANAGER, GRAFANA], ids=["alertmanager", "grafana"])
async def test_either_address_takes_both(client, path, method, body):
    response = await post(client, body, f"{path}?to=1-alice", method)
    assert (response.status_code, response.json()) == (200, CREATED)


async def test_grafanas_addresses_become_buttons(client):
    await said(client, GRAFANA)
    (item,) = await items(client)
    alert = GRAFANA["alerts"][0]
    assert (item["title"], item["message"]) == ("Memory in zone us-1", "The system has high memory usage")
    assert (item["url"], item["priority"]) == (alert["generatorURL"], "low")
    assert item["data"]["actions"] == [
        {"action": "view", "label": "Silence", "url": alert["silenceURL"]},
        {"action": "view", "label": "Dashboard", "url": alert["dashboardURL"]},
        {"action": "view", "label": "Runbook", "url": "https://runbooks.example/1234"},
    ]
    assert item["data"]["values"] == {"B": 44.2, "C": 1}
    await said(client, alerts(GRAFANA, {"fingerprint": "x", "generatorURL": ""}))
    assert (await items(client))[0]["url"] == alert["dashboardURL"]


async def test_a_list_in_prometheus_form(client):
    alert = {name: ALERT[name] for name in ("labels", "annotations", "startsAt", "generatorURL")}
    later, before = "2126-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    assert await said(client, [alert | {"endsAt": later}]) == CREATED
    assert await said(client, [alert | {"endsAt": later}]) == UPDATED
    assert await said(client, [alert | {"endsAt": before}]) == RESOLVED


@pytest.mark.parametrize(
    ("severity", "priority"),
    [
        ("critical", "high"),
        ("page", "high"),
        ("CRITICAL", "high"),
        ("warning", "normal"),
        ("info", "low"),
        (None, "low"),
    ],
)
async def test_severity_makes_the_priority(client, severity, priority):
    await said(
        client, alerts(ALERTMANAGER, {"labels": {"alertname": "A"} | ({"severity": severity} if severity else {})})
    )
    assert (await items(client))[0]["priority"] == priority


HOSTILE = [
    {"labels": None, "annotations": None, "startsAt": None, "fingerprint": None, "generatorURL": None},
    {"labels": [], "annotations": "x", "startsAt": 7, "endsAt": {}, "fingerprint": [], "generatorURL": 5},
    {"labels": {"alertname": "x" * 9000, "y" * 900: "z" * 9000}, "annotations": {"description": "d" * 20000}},
    {"annotations": {"summary": "s\0\x07\ud800ummary", "description": "\x1b[31mred\0"}, "generatorURL": "javascript:1"},
    {"labels": {f"label{number}": "v" * 300 for number in range(500)}, "silenceURL": "http://x/" + "s" * 3000},
    {"values": {"a": ["b" * 5000]}, "dashboardURL": "http://x/" + "d" * 2000, "panelURL": "http://x/" + "p" * 2000},
    {"fingerprint": "f" * 500, "labels": {"alertname": "\n"}, "annotations": {"summary": "", "description": "  "}},
    {"annotations": {"summary": " \n"}, "labels": {"alertname": "\t"}, "fingerprint": "blank"},
    {"fingerprint": "a\nb", "status": "unheard of"},
    {"fingerprint": "", "startsAt": "yesterday", "endsAt": "0001-01-01T00:00:00.000Z"},
]


@pytest.mark.parametrize("change", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_an_alert_holds_it_is_shown(client, change):
    """A sender of alerts never tries a refused one again: what is too long is cut, what is no text left out."""
    assert await said(client, alerts(ALERTMANAGER, change)) == CREATED
    (item,) = await items(client)
    assert 1 <= len(item["message"]) <= 8192 and 1 <= len(item["title"]) <= 256
    text = json.dumps(item, ensure_ascii=False)  # which writes control characters as escapes
    assert "\\u00" not in text and text.encode()
    assert await said(client, alerts(ALERTMANAGER, change)) == UPDATED
    assert await said(client, alerts(ALERTMANAGER, change | {"status": "resolved"})) == RESOLVED
    assert (await items(client))[0]["title"].startswith("✓ ")


async def test_what_is_too_long_ends_in_an_ellipsis(client):
    await said(client, alerts(ALERTMANAGER, {"annotations": {"summary": "s" * 300, "description": "d" * 9000}}))
    (item,) = await items(client)
    assert item["title"] == "s" * 255 + "…" and item["message"].endswith("d…")


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        ("{", "", 400),
        ("", "", 400),
        ("null", "", 400),
        ({}, "", 400),
        ({"alerts": {}}, "", 400),
        ({"alerts": [7]}, "", 400),
        ({"alerts": [ALERT] * 2001}, "", 413),
        (ALERTMANAGER, "&per=label", 400),
        (ALERTMANAGER, "&repeat=often", 400),
        (ALERTMANAGER, "&to=nobody", 400),
    ],
)
async def test_bad_input(client, body, query, status):
    response = await post(client, body, HOOK + query)
    assert (response.status_code, set(response.json())) == (status, {"error"}) and response.json()["error"]
    assert await items(client) == []


async def test_no_alerts_are_none(client):
    assert await said(client, {"alerts": []}) == dict.fromkeys(CREATED, 0)


# -- keys


def basic(token):
    return {"Authorization": "Basic " + base64.b64encode(f"any:{token}".encode()).decode()}


async def test_a_key_by_header_password_and_address(start_pod):
    client = await start_pod(**SETTINGS)
    token = await make_key(client.pod, category="monitoring")
    admin = {"Authorization": f"Bearer {ADMIN}"}
    ways = [({"Authorization": f"Bearer {token}"}, ""), (basic(token), ""), ({}, f"?token={token}")]
    for headers, query in ways:
        response = await post(client, ALERTMANAGER, f"/hooks/alertmanager{query}", headers=JSON | headers)
        assert response.status_code == 200
    (item,) = await items(client, headers=admin)
    assert (item["source"], item["category"], item["data"]["repeats"]) == ("alertmanager", "monitoring", 2)
    for wrong in ("", new_token("hooks"), token[:-1], ADMIN[:-1]):
        response = await post(
            client, ALERTMANAGER, headers=JSON | ({"Authorization": f"Bearer {wrong}"} if wrong else {})
        )
        assert (response.status_code, set(response.json())) == (401, {"error"}), wrong
        assert "www-authenticate" not in response.headers
    other = KeyRequest("kuma", (), None, DoorTerms("ntfy", (ALICE,)))
    _, foreign = await client.pod.access.create_key(other)
    response = await post(client, ALERTMANAGER, headers=JSON | {"Authorization": f"Bearer {foreign}"})
    assert response.status_code == 401
    response = await post(client, ALERTMANAGER, f"/hooks/alertmanager?token={token}&to=2-bob")
    assert response.status_code == 403 and await items(client, BOB, admin) == []


async def test_a_key_of_the_api_names_whom_it_reaches(start_pod):
    client = await start_pod(**SETTINGS)
    _, token = await client.pod.access.create_key(KeyRequest("shop", (Scope.NOTIFY,)))
    headers = JSON | {"Authorization": f"Bearer {token}"}
    response = await post(client, ALERTMANAGER, "/hooks/alertmanager?to=2-bob&to=1-alice", headers=headers)
    assert response.json() == CREATED
    admin = {"Authorization": f"Bearer {ADMIN}"}
    assert [len(await items(client, user, admin)) for user in (ALICE, BOB)] == [1, 1]
    assert (await post(client, ALERTMANAGER, "/hooks/alertmanager", headers=headers)).status_code == 403


async def test_without_tokens_the_default_user_gets_it(start_pod):
    client = await start_pod(door_default_target="2:bob")
    assert await said(client, ALERTMANAGER, "/hooks/alertmanager") == CREATED
    assert len(await items(client, BOB)) == 1


async def test_several_users_each_have_their_own(start_pod):
    client = await start_pod(**SETTINGS)
    first = await make_key(client.pod)
    both = await make_key(client.pod, to=(ALICE, BOB))
    admin = {"Authorization": f"Bearer {ADMIN}"}
    assert await said(client, ALERTMANAGER, f"/hooks/alertmanager?token={first}") == CREATED
    assert await said(client, ALERTMANAGER, f"/hooks/alertmanager?token={both}") == CREATED  # bob had none
    assert [[item["data"]["repeats"] for item in await items(client, user, admin)] for user in (ALICE, BOB)] == [
        [1],
        [0],
    ]
    assert await said(client, resolved(), f"/hooks/alertmanager?token={both}") == RESOLVED
    assert [len(await items(client, user, admin)) for user in (ALICE, BOB)] == [1, 1]


# -- Grafana's signature

SECRET = "a-secret-of-grafana"


async def signed(client, query, body=GRAFANA, secret=SECRET, at=None, headers=()):
    content = json.dumps(body).encode()
    more = {"X-Grafana-Alerting-Timestamp": at} if at else {}
    made = signature(secret, (f"{at}:".encode() if at else b"") + content)
    headers = JSON | more | {"X-Grafana-Alerting-Signature": made} | dict(headers)
    return (await post(client, content, f"/hooks/grafana{query}", headers=headers)).status_code


async def test_grafanas_signature(start_pod):
    client = await start_pod(**SETTINGS)
    token = await make_key(client.pod, secret=SECRET)
    now, query = int(client.pod.redis.clock.now()), f"?token={token}"
    assert await signed(client, query) == 200
    assert await signed(client, query, at=str(now)) == 200
    assert await signed(client, query, secret="another") == 401
    assert await signed(client, query, at=str(now - 3600)) == 401
    assert await signed(client, query, at="soon") == 401
    assert await signed(client, "") == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert await signed(client, "", headers=bearer) == 200
    assert await signed(client, "", headers=bearer, secret="another") == 401
    assert (await post(client, GRAFANA, "/hooks/grafana", headers=JSON | bearer)).status_code == 200
    assert (await post(client, GRAFANA, f"/hooks/grafana{query}")).status_code == 401  # a secret, and no signature
    bare = await make_key(client.pod)
    assert await signed(client, f"?token={bare}") == 401


# -- what Alertmanager tries again


async def test_over_a_limit_and_without_a_store_it_is_to_come_again(start_pod, monkeypatch):
    client = await start_pod(**SETTINGS)
    token = await make_key(client.pod, rate=(1, 60.0))
    path = f"/hooks/alertmanager?token={token}"
    two = alerts(ALERTMANAGER, {"fingerprint": "a"}, {"fingerprint": "b"})
    response = await post(client, two, path)
    assert response.status_code == 503 and 1 <= int(response.headers["Retry-After"]) <= 60
    response = await post(client, alerts(ALERTMANAGER, {"fingerprint": "a"}), path)  # stored: takes no place
    assert (response.status_code, response.json()) == (200, UPDATED)

    async def away(*args):
        raise NotifierError(ErrorCode.UNAVAILABLE, "the store is away")

    monkeypatch.setattr(client.pod.person.keyed, "named", away)
    response = await post(client, two, path)
    assert response.status_code == 503 and int(response.headers["Retry-After"]) >= 1
    text = (await client.get("/metrics", headers={"Authorization": f"Bearer {ADMIN}"})).text
    assert 'door_requests_total{door="hooks",outcome="limited"} 1.0' in text
    assert 'door_requests_total{door="hooks",outcome="failed"} 1.0' in text


# -- several at the same moment


async def test_two_senders_at_the_same_moment_make_one(start_pod):
    pods = [await start_pod(pod) for pod in ("pod-a", "pod-b")]
    for number in range(5):
        body = alerts(ALERTMANAGER, {"fingerprint": f"race{number}"})
        outcomes = await asyncio.gather(*(said(pods[place % 2], body) for place in range(12)))
        assert sum(outcome["created"] for outcome in outcomes) == 1
        assert sum(outcome["updated"] for outcome in outcomes) == 11
        (item,) = [item for item in await items(pods[0]) if item["key"] == f"race{number}"]
        assert item["data"]["repeats"] == 11
        body = alerts(ALERTMANAGER, {"fingerprint": f"race{number}", "status": "resolved"})
        outcomes = await asyncio.gather(*(said(pods[place % 2], body) for place in range(12)))
        assert sum(outcome["resolved"] for outcome in outcomes) == 1


async def test_an_end_that_crosses_a_report_leaves_one_open_at_most(start_pod):
    pods = [await start_pod(pod) for pod in ("pod-a", "pod-b")]
    await said(pods[0], ALERTMANAGER)
    bodies = [ALERTMANAGER, resolved()] * 8
    outcomes = await asyncio.gather(*(said(pods[place % 2], body) for place, body in enumerate(bodies)))
    counted = {name: sum(outcome[name] for outcome in outcomes) for name in CREATED}
    found = [item["data"]["status"] for item in await items(pods[0])]
    assert found.count("firing") == 1 + counted["created"] - counted["resolved"] and found.count("firing") <= 1
    assert len(found) == 1 + counted["created"]
    await said(pods[1], resolved())
    assert {item["data"]["status"] for item in await items(pods[0])} == {"resolved"}


async def test_what_the_user_did_with_it_stays(client):
    await said(client, ALERTMANAGER)
    (item,) = await items(client)
    mark = {"user_id": 1, "login": "alice", "as": "read", "ids": [item["notification_id"]]}
    response = await client.post("/api/v1/inbox/mark?user_id=1&login=alice", json={"as": "read", "ids": mark["ids"]})
    assert response.status_code == 200, response.text
    await said(client, ALERTMANAGER)
    assert await said(client, resolved()) == RESOLVED
    (item,) = await items(client)
    assert item["read"] and item["data"]["status"] == "resolved"


async def test_what_was_taken_out_fires_anew(client):
    await said(client, ALERTMANAGER)
    (item,) = await items(client)
    path = f"/api/v1/notify/{item['notification_id']}?user_id=1&login=alice"
    assert (await client.delete(path)).status_code == 200
    assert await said(client, resolved()) == IGNORED
    assert await said(client, ALERTMANAGER) == CREATED


async def test_the_address_says_how_long_it_lives(client, redis):
    await said(client, ALERTMANAGER, f"{HOOK}&ttl=7d")
    (item,) = await items(client)
    week = 7 * 86_400_000
    assert week - 60_000 < await redis.call("PTTL", f"notification:{item['notification_id']}") <= week
    response = await post(client, ALERTMANAGER, f"{HOOK}&ttl=long")
    assert response.status_code == 400 and "ttl" in response.json()["error"]


async def test_a_group_without_a_key_is_known_by_its_labels(client):
    path = f"{HOOK}&per=group"
    for strange in (None, "", "\ud800", 7):
        assert await said(client, alerts(ALERTMANAGER, groupKey=strange), path) in (CREATED, UPDATED)
    assert len({item["key"] for item in await items(client)}) == 2
