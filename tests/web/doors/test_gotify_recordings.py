"""Requests of senders for Gotify, after their sources: each names the file it follows, and is sent as it is."""

import json

import pytest

from notifier.domain.access import KeyRequest
from notifier.domain.doors import DoorTerms
from notifier.domain.users import User
from tests.web.http.test_auth import SETTINGS, token_of
from tests.web.http.test_origin import ask

ALICE = User(1, "alice")
MARKDOWN = {"client::display": {"contentType": "text/markdown"}}
GRABBED = "Show – 1x02 – Café [WEBDL-1080p]"
LONG = "é" * 1000  # 2,000 bytes
BOUNDARY = "-----------------------------08dd0f0e1a2b3c"


def json_of(**fields):
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def parts_of(fields):
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join(parts) + f"--{BOUNDARY}--\r\n"


# Source, path, headers and body with TOKEN in its place; then title, message, priority and data of what is stored.
RECORDED = {
    "louislam/uptime-kuma, server/notification-providers/gotify.js": (
        "/message?token=TOKEN",
        {
            "Accept": "application/json, text/plain, */*",
            "Content-Type": "application/json",
            "User-Agent": "axios/0.30.0",
        },
        json_of(message="[Site] [🔴 Down] timeout of 48000ms exceeded", priority=8, title="Uptime-Kuma"),
        ("Uptime-Kuma", "[Site] [🔴 Down] timeout of 48000ms exceeded", "high", {"gotify": {"priority": 8}}),
    ),
    "Sonarr/Sonarr, Notifications/Gotify/GotifyProxy.cs": (
        "/message?token=TOKEN",
        {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Sonarr/4.0.9 (debian 12)"},
        "title=Episode%20Grabbed&message=Show%20%E2%80%93%201x02%20%E2%80%93%20Caf%C3%A9%20%5BWEBDL-1080p%5D&priority=5",
        ("Episode Grabbed", GRABBED, "normal", {"gotify": {"priority": 5}}),
    ),
    "Sonarr/Sonarr, NzbDrone.Common/Http/HttpRequestBuilder.cs: a field beyond 1,024 bytes": (
        "/message?token=TOKEN",
        {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "User-Agent": "Sonarr/4.0.9 (debian 12)"},
        parts_of({"title": "Health Check Failure", "message": LONG, "priority": 0}),
        ("Health Check Failure", LONG, "low", {"gotify": {"priority": 0}}),
    ),
    "containrrr/shoutrrr, pkg/services/gotify/gotify.go": (
        "/gotify/message?token=TOKEN",
        {"Content-Type": "application/json", "User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"},
        json_of(message="Found new image", title="Watchtower updates", priority=0),
        ("Watchtower updates", "Found new image", "low", {"gotify": {"priority": 0}}),
    ),
    "nicholas-fedor/shoutrrr, pkg/services/push/gotify: useheader": (
        "/message",
        {"Content-Type": "application/json", "X-Gotify-Key": "TOKEN", "User-Agent": "Go-http-client/1.1"},
        json_of(message="m", title="Shoutrrr notification", priority=-2, date="2026-11-28T06:00:00Z", extras=None),
        ("Shoutrrr notification", "m", "low", {"gotify": {"priority": -2}}),
    ),
    "proxmox/proxmox-rs, proxmox-notify/src/endpoints/gotify.rs": (
        "/message",
        {"Content-Type": "application/json", "Authorization": "Bearer TOKEN", "X-Gotify-Key": "TOKEN"},
        json_of(extras=MARKDOWN, message="```\nbackup of VM 100 failed\n```", priority=9, title="vzdump: failed"),
        (
            "vzdump: failed",
            "```\nbackup of VM 100 failed\n```",
            "high",
            {"gotify": MARKDOWN | {"priority": 9}, "markdown": True},
        ),
    ),
    "gotify/cli, command/initialize.go: the check of a token": (
        "/message",
        {"Accept": "application/json", "Content-Type": "application/json", "X-Gotify-Key": "TOKEN"},
        json_of(
            appid=0,
            date="0001-01-01T00:00:00.000Z",
            id=0,
            message="Test message from Gotify CLI",
            priority=0,
            title="Test message",
        )
        + "\n",
        ("Test message", "Test message from Gotify CLI", "low", {"gotify": {"priority": 0}}),
    ),
    "gotify/cli, command/push.go": (
        "/message",
        {"Accept": "application/json", "Content-Type": "application/json", "X-Gotify-Key": "TOKEN"},
        json_of(date="0001-01-01T00:00:00.000Z", extras={}, message="done", priority=4) + "\n",
        ("kuma", "done", "normal", {"gotify": {"priority": 4}}),
    ),
}


@pytest.mark.parametrize("source", RECORDED)
async def test_a_senders_request_is_taken(start_pod, source):
    client = await start_pod(**SETTINGS)
    terms = DoorTerms("gotify", (ALICE,))
    _, token = await client.pod.access.create_key(KeyRequest("kuma", (), None, terms))
    path, headers, body, expected = RECORDED[source]
    filled = {name: value.replace("TOKEN", token) for name, value in headers.items()}
    status, said, answer = await ask(client, "POST", path.replace("TOKEN", token), filled, body)
    assert (status, said["content-type"]) == (200, "application/json"), answer
    given = json.loads(answer)
    assert given["id"] > 0 and given["appid"] == 1 and given["date"]
    inbox = await client.get("/api/v1/inbox?user_id=1&login=alice", headers={"Authorization": f"Bearer {token_of()}"})
    (item,) = inbox.json()["items"]
    assert (item["title"], item["message"], item["priority"], item["data"]) == expected
    assert (given["title"], given["message"], item["source"]) == (*expected[:2], "kuma")


@pytest.mark.parametrize("source", RECORDED)
async def test_a_senders_wrong_token_is_told_in_words_that_it_reads(start_pod, source):
    client = await start_pod(**SETTINGS)
    path, headers, body, _ = RECORDED[source]
    filled = {name: value.replace("TOKEN", "A" * 15) for name, value in headers.items()}
    status, _, answer = await ask(client, "POST", path.replace("TOKEN", "A" * 15), filled, body)
    assert status == 401
    assert json.loads(answer) == {
        "error": "Unauthorized",
        "errorCode": 401,
        "errorDescription": "the token is not valid",
    }
