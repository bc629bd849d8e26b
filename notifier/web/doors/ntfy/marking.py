"""Marks by the owner of an inbox, whose token sends nothing: what they clear is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sanic import Request

from notifier.domain.doors import ntfy_id
from notifier.domain.users import User
from notifier.service.doors import DoorService
from notifier.web.doors.following import EVERYTHING
from notifier.web.doors.ntfy.dialect import token_of
from notifier.web.doors.ntfy.feed import id_of, plain
from notifier.web.doors.ntfy.posts import message_of


async def mark_own(service: DoorService, request: Request, topic: str, sequence: str) -> bool:
    """Marks read the line of a topic in the inbox of the person whose token it is; False where it is nobody's."""
    person = await service.person(token_of(request))
    if person is None:
        return False
    for item in map(plain, await service.inbox(person, EVERYTHING)):
        if _is_line(item, person, topic, sequence):
            await service.states.mark_one(person.key, "read", item["notification_id"])
            break
    return True


def _is_line(item: Mapping[str, Any], person: User, topic: str, sequence: str) -> bool:
    said = message_of(item, person.key)
    names = (said.get("sequence_id") or ntfy_id(item["notification_id"]), id_of(item))
    return bool(topic == said["topic"]) and sequence in names
