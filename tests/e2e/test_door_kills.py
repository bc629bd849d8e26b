"""Doors under `kill -9` of server and Redis: what was answered 200 is there, and what carried a key is there once."""

import asyncio
import collections
import json
import os
import random

import httpx
import pytest

from tests.e2e.server import ServerProcess
from tests.support import eventually

pytestmark = pytest.mark.slow

KILLS = 8
EVENTS = {"Content-Type": "application/cloudevents+json"}


def ntfy(text):
    return "/1-plain", {}, text


def ntfy_with_sequence(text):
    return f"/2-sequence/{text}", {}, text


def ntfy_once(text):
    return "/3-once", {"Idempotency-Key": text}, text


def gotify(text):
    return "/message?token=any", {"Content-Type": "application/json"}, json.dumps({"message": text})


def apprise(text):
    return "/notify/5-apprise", {"Content-Type": "application/json"}, json.dumps({"body": text})


def cloudevents(text):
    body = {"specversion": "1.0", "id": text, "source": "/test", "type": "t", "data": {"message": text}}
    return "/hooks/cloudevents?to=6-events", EVENTS, json.dumps(body)


# The request of each sender, whose inbox it fills, and whether it may be repeated: it carries a key.
SENDERS = {
    ntfy: ("1-plain", False),
    ntfy_with_sequence: ("2-sequence", True),
    ntfy_once: ("3-once", True),
    gotify: ("4-gotify", False),
    apprise: ("5-apprise", False),
    cloudevents: ("6-events", True),
}


class Sender:
    """A program that sends one message after the other; one with a key is sent again until it is answered."""

    def __init__(self, make, repeats):
        self.make, self.repeats = make, repeats
        self.taken = []

    async def send(self, http, done):
        number = 0
        while not done.is_set():
            number += 1
            text = f"{self.make.__name__}-{number}"
            while not await self._is_taken(http, text) and self.repeats:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.02)  # an inbox keeps a thousand

    async def _is_taken(self, http, text):
        path, headers, body = self.make(text)
        try:
            response = await http.post(path, headers=headers, content=body)
        except httpx.HTTPError:
            await asyncio.sleep(0.02)
            return False
        if response.status_code == 200:
            self.taken.append(text)
        else:
            assert response.status_code in (409, 503), response.text
        return response.status_code == 200


async def answered(http, path):
    """The answer to a GET, None while the store is away."""
    response = await http.get(path)
    return None if response.status_code == 503 else response


async def inbox(http, user):
    number, _, login = user.partition("-")
    found, before = [], ""
    while before is not None:
        path = f"/api/v1/inbox?user_id={number}&login={login}&limit=100{before}"
        response = await eventually(lambda path=path: answered(http, path), "the inbox after a kill")
        found += [item["message"] for item in response.json()["items"]]
        following = response.json()["next_before"]
        before = None if following is None else f"&before={following}"
    return collections.Counter(found)


async def kill(server, hand):
    await asyncio.sleep(hand.uniform(0.2, 0.6))
    if hand.random() < 0.5:
        server.kill_redis()
        return
    server.kill()
    await server.wait()
    await server.start()


async def until_it_answers(http):
    async with asyncio.timeout(30):
        while True:
            try:
                if (await http.get("/health")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


async def test_mixed_doors_lose_nothing_and_double_nothing(loop, tmp_path):
    more = {"NOTIFICATION_TTL": "2h", "STREAM_MAXLEN": "1000", "DOOR_DEFAULT_TARGET": "4:gotify"}
    server = ServerProcess(tmp_path / "data", **more)
    server.data_dir.mkdir()
    await server.start()
    hand, done = random.Random(os.urandom(8)), asyncio.Event()
    senders = {user: Sender(make, repeats) for make, (user, repeats) in SENDERS.items()}
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=10) as http:
            work = [asyncio.ensure_future(sender.send(http, done)) for sender in senders.values()]
            for _ in range(KILLS):
                await kill(server, hand)
            await until_it_answers(http)
            done.set()
            await asyncio.gather(*work)
            for user, sender in senders.items():
                there = await inbox(http, user)
                assert 5 < len(sender.taken) < 1000, (user, len(sender.taken))
                assert not [text for text in sender.taken if text not in there], user
                assert not sender.repeats or set(there.values()) == {1}, (user, there.most_common(3))
    finally:
        await server.stop()
