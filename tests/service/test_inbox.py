"""Commands of a connected user on their inbox."""

import asyncio
import json

import msgspec
import pytest

from notifier.domain.ids import random_id
from notifier.domain.protocol import Read, ReadAll, Retention, Sync
from notifier.errors import ErrorCode, NotifierError
from notifier.service.inbox import InboxService, Marked
from tests.store.inboxes import OTHER, OWN, inbox_of, item, put

USER = "1-alice"


@pytest.fixture
def inbox(store, redis):
    return inbox_of(store)


@pytest.fixture
def service(inbox):
    return InboxService(inbox, OWN)


def command(kind, **data):
    return msgspec.convert({"type": kind.__struct_config__.tag, "data": data}, kind)


def read(stream_id, notification_id):
    return command(Read, stream_id=stream_id, notification_id=notification_id)


async def mark(service, *commands):
    done = asyncio.get_running_loop().create_future()
    service.read(USER, commands, done.set_result)
    return await done


async def test_marks_are_counted_once_and_strangers_are_missing(service, inbox):
    items = [item(), item()]
    ids = await put(inbox, *items)
    pairs = [(ids[n].encode(), items[n].notification_id.encode()) for n in (0, 1)]
    for holder in (OWN, OTHER):
        await inbox.attach(holder, USER, 30.0, lambda snapshot: None)
    first = await mark(service, read(ids[0], items[0].notification_id))
    assert first == Marked([pairs[0]], 1, [b"pod-b"], 0)
    both = await mark(service, *(read(ids[n], items[n].notification_id) for n in (0, 1)), read("1-1", random_id()))
    assert both == Marked(pairs, 1, [b"pod-b"], 1)


async def test_what_is_no_id_is_missing_without_a_question_to_the_store(service, store):
    await store.stop()
    assert await mark(service, read("nonsense", random_id()), read("1-1", "{x}")) == Marked([], 0, [], 2)
    await store.start()


async def test_a_store_that_is_away_is_an_outcome(service, store):
    await store.stop()
    outcome = await mark(service, read("1-1", random_id()))
    assert isinstance(outcome, NotifierError) and outcome.code is ErrorCode.UNAVAILABLE
    await store.start()


async def test_all_up_to_an_entry(service, inbox):
    items = [item() for _ in range(3)]
    ids = await put(inbox, *items)
    (marked,) = [part async for part in service.read_all(USER, command(ReadAll, up_to=ids[1]))]
    assert [pair[0].decode() for pair in marked.pairs] == ids[:2] and marked.now == 2


async def test_a_page_without_what_has_expired(service, inbox, redis):
    items = [item(message="gone"), item(message="there")]
    ids = await put(inbox, *items)
    await redis.call("DEL", f"notification:{items[0].notification_id}")
    answer = json.loads(await service.sync(USER, command(Sync, limit=10)))
    assert answer["type"] == "sync.response"
    (entry,) = answer["data"]
    assert (entry["stream_id"], entry["message"]) == (ids[1], "there")


async def test_the_retention_is_set_and_acknowledged(service, redis):
    answer = json.loads(await service.set_retention(USER, command(Retention, days=7)))
    assert answer["data"]["days"] == 7 and await redis.call("GET", "notif:retention:1-alice") == b"7"
