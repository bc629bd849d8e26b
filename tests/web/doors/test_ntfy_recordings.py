"""Requests of senders for ntfy and Apprise, after their sources: each names the file it follows, and is sent as it is."""

import base64
import json

import pytest

from notifier.domain.access import KeyRequest
from notifier.domain.doors import DoorTerms, new_token
from notifier.domain.users import User
from tests.web.http.test_auth import SETTINGS, token_of
from tests.web.http.test_origin import ask

ALICE = User(1, "alice")
AXIOS = {
    "Accept": "application/json, text/plain, */*",
    "Content-Type": "application/json",
    "User-Agent": "axios/0.30.0",
    "Accept-Encoding": "gzip, deflate",
}
SONARR = {"User-Agent": "Sonarr/4.0.9 (debian 12)", "Content-Length": "0"}
GO = {"User-Agent": "shoutrrr/v0.8-dev", "Accept-Encoding": "gzip"}
OPEN = {"action": "view", "label": "Open Site", "url": "https://site.example"}


def json_of(**fields):
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


# Source, path, headers and body with TOKEN in its place (BASIC: in the password's); then title, message and priority of
# what is stored, and its data without the ids of actions.
NTFY = {
    "louislam/uptime-kuma, server/notification-providers/ntfy.js: down": (
        "/",
        AXIOS | {"Authorization": "Bearer TOKEN"},
        json_of(
            topic="kuma",
            message="timeout of 48000ms exceeded",
            priority=5,
            title="Site Down [Uptime-Kuma]",
            tags=["red_circle", "env: prod"],
            actions=[OPEN],
            icon="https://kuma.example/icon.png",
        ),
        (
            "Site Down [Uptime-Kuma]",
            "timeout of 48000ms exceeded",
            "high",
            {
                "ntfy": {"topic": "kuma", "priority": 5},
                "tags": ["red_circle", "env: prod"],
                "icon": "https://kuma.example/icon.png",
                "actions": [OPEN | {"clear": False}],
            },
        ),
    ),
    "louislam/uptime-kuma, server/notification-providers/ntfy.js: test, user and password": (
        "/",
        AXIOS | {"Authorization": "BASIC"},
        json_of(topic="kuma", title="kuma [Uptime-Kuma]", message="Test ✅", priority=4, tags=["test_tube"]),
        (
            "kuma [Uptime-Kuma]",
            "Test ✅",
            "high",
            {"ntfy": {"topic": "kuma", "priority": 4}, "tags": ["test_tube"]},
        ),
    ),
    "Sonarr/Sonarr, NzbDrone.Core/Notifications/Ntfy/NtfyProxy.cs": (
        "/tv?title=Sonarr%20-%20Test%20Notification&message=Show%20%E2%80%93%201x02&priority=3&tags=tv,new"
        "&click=https%3A%2F%2Fsonarr.example%2F",
        SONARR | {"Authorization": "Bearer TOKEN"},
        "",
        (
            "Sonarr - Test Notification",
            "Show – 1x02",
            "normal",
            {"ntfy": {"topic": "tv", "priority": 3}, "tags": ["tv", "new"]},
        ),
    ),
    "Sonarr/Sonarr, the same behind a path, with a password": (
        "/ntfy/tv?title=Grabbed&message=Show%20%2B%201&priority=1",
        SONARR | {"Authorization": "BASIC"},
        "",
        ("Grabbed", "Show + 1", "low", {"ntfy": {"topic": "tv", "priority": 1}}),
    ),
    "containrrr/shoutrrr, pkg/services/ntfy/ntfy.go": (
        "/updates",
        GO
        | {"Authorization": "BASIC", "Title": "Watchtower updates", "Priority": "Default", "Tags": "whale,host"}
        | {"Actions": "view, Open Site, https://site.example", "Click": "https://site.example", "Firebase": "no"},
        "Found new <image> image\n",
        (
            "Watchtower updates",
            "Found new <image> image",
            "normal",
            {
                "ntfy": {"topic": "updates", "priority": 3},
                "tags": ["whale", "host"],
                "actions": [OPEN | {"clear": False}],
            },
        ),
    ),
}
APPRISE = {
    "Sonarr/Sonarr, NzbDrone.Core/Notifications/Apprise/AppriseProxy.cs": (
        "/notify/TOKEN",
        {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "Sonarr/4.0.9 (debian 12)"},
        json.dumps(
            {
                "title": "Episode Grabbed",
                "body": "Show – 1x02",
                "attachment": "https://artworks.example/poster.jpg",
                "type": "warning",
                "tag": "tv,all",
            },
            indent=2,
            ensure_ascii=False,
        ),
        (
            "Episode Grabbed",
            "Show – 1x02",
            "high",
            {"level": "warning", "attachment": {"name": "poster.jpg", "url": "https://artworks.example/poster.jpg"}},
        ),
    ),
}
RECORDED = {
    (door, source): sent
    for door, all_sent in (("ntfy", NTFY), ("apprise", APPRISE))
    for source, sent in all_sent.items()
}


def filled(text, token):
    basic = "Basic " + base64.b64encode(f"phil:{token}".encode()).decode()
    return text.replace("TOKEN", token).replace("BASIC", basic)


async def send(client, sent, token):
    path, headers, body, _ = sent
    lines = {name: filled(value, token) for name, value in headers.items()}
    return await ask(client, "POST", filled(path, token), lines, body)


@pytest.mark.parametrize(("door", "source"), RECORDED)
async def test_a_senders_request_is_taken(start_pod, door, source):
    client = await start_pod(**SETTINGS)
    _, token = await client.pod.access.create_key(KeyRequest("kuma", (), None, DoorTerms(door, (ALICE,))))
    status, said, answer = await send(client, RECORDED[door, source], token)
    assert (status, said["content-type"]) == (200, "application/json"), answer
    inbox = await client.get("/api/v1/inbox?user_id=1&login=alice", headers={"Authorization": f"Bearer {token_of()}"})
    (item,) = inbox.json()["items"]
    for action in item["data"].get("actions", ()):
        del action["id"]
    assert (item["title"], item["message"], item["priority"], item["data"]) == RECORDED[door, source][3]


@pytest.mark.parametrize(("door", "source"), RECORDED)
async def test_a_senders_wrong_token_is_told_in_words_that_it_reads(start_pod, door, source):
    client = await start_pod(**SETTINGS)
    status, _, answer = await send(client, RECORDED[door, source], new_token(door))
    said = json.loads(answer)
    assert (status, said.get("code")) == ((401, 40101) if door == "ntfy" else (403, None)) and said["error"]
