"""Inboxes of a store without a pod: users, items to be stored, and the parts that store and read them."""

from __future__ import annotations

from notifier.domain.ids import random_id
from notifier.domain.notifications import payload_json, read_notify_request
from notifier.domain.users import User
from notifier.store.inbox import Inbox
from notifier.store.inbox_values import Holder, InboxPolicy, Item

ALICE, BOB = User(1, "alice"), User(2, "bob")
POLICY = InboxPolicy(60_000, 10)
OWN, OTHER = Holder("pod-a", 1), Holder("pod-b", 2)
LOCK_TTL = 30.0


def item(user=ALICE, message="hello", ttl_ms=None):
    """A notification for a user; `ttl_ms` None: the inbox's own life."""
    nid = random_id()
    body = {"target": [{"id": user.id, "login": user.login}], "message": message}
    content = read_notify_request(body, "2026-01-01T00:00:00Z").content
    return Item(user, nid, ttl_ms, payload_json(nid, user, content))


def inbox_of(store, policy=POLICY):
    """The inboxes of a store."""
    return Inbox(store, policy)


async def put(inbox, *items, holder=OWN):
    """Stores items; their stream ids as text."""
    accepted = await inbox.acceptance.accept(holder, list(items), None)
    return [stream_id.decode() for stream_id in accepted.stream_ids]
