"""Finds what an operator has a name of: by exact ids and by the beginnings of names, never by a scan."""

from __future__ import annotations

from typing import Any

import msgspec

from notifier.domain.channels import CHANNELS
from notifier.domain.ids import is_notification_id
from notifier.domain.times import format_time
from notifier.domain.users import parse_user_key
from notifier.store.finds import Finds
from notifier.store.presence import Presence
from notifier.store.redis.client import Redis
from notifier.store.reports import Reports
from notifier.store.sessions import Sessions

Row = dict[str, Any]


class Finder:
    """Looks in the indexes that there are. Raises `NotifierError(unavailable)`."""

    def __init__(self, reports: Reports, presence: Presence, sessions: Sessions, redis: Redis) -> None:
        self._reports = reports
        self._sessions = sessions
        self._presence = presence
        self._finds = Finds(redis)

    async def find(self, text: str, limit: int) -> list[Row]:
        """Rows with `kind`, `id`, `label` and what else is known, the exact ones first; `limit` at most."""
        found = await self._by_id(text) if is_notification_id(text) else []
        if len(found) < limit:
            found += [*await self._by_address(text), *await self._instances(text), *_channels(text)]
        if len(found) < limit:
            found += await self._users(text, limit - len(found))
        return found[:limit]

    async def _by_id(self, identity: str) -> list[Row]:
        known = await self._finds.by_id(identity)
        found = []
        if known.delivery is not None:
            record = known.delivery
            label = f"{record['channel']} to {record.get('recipient') or record.get('user_id', '')}, {record['status']}"
            found.append(_row("delivery", identity, label, record["created_at"], record.get("user_id")))
        if known.batch:
            found.append(_row("batch", identity, f"a batch of {known.batch}"))
        if known.payload is not None:
            shown = msgspec.json.decode(known.payload)
            user = shown.get("user_id"), shown.get("login")
            label = str(shown.get("title") or shown.get("message", ""))[:80]
            found.append(_row("notification", identity, label, shown.get("created_at"), *user))
        return found

    async def _by_address(self, text: str) -> list[Row]:
        known = await self._finds.by_name(text)
        found = []
        for kind, last in (("address", known.recipient), ("user", known.user)):
            if last is not None:
                label = f"{last.number} deliver{'y' if last.number == 1 else 'ies'}"
                user = text if kind == "user" else None
                found.append(_row(kind, text, label, format_time(last.created / 1000), user))
        device = await self._sessions.owner(text)
        if device is not None:
            session = device.session
            label = f"{session.platform} address of {session.user_id}"
            found.insert(0, _row("address", text, label, session.created_at, session.user_id))
        return found

    async def _instances(self, text: str) -> list[Row]:
        pods = [record for record in await self._presence.pods() if record.pod.startswith(text)]
        return [_row("instance", one.pod, "alive" if one.document is not None else "gone") for one in pods]

    async def _users(self, text: str, limit: int) -> list[Row]:
        page = await self._reports.users(text, "", limit)
        users = [user for key in page.keys if (user := parse_user_key(key)) is not None]
        kind = "user" if text[:1].isdigit() else "login"
        return [_row(kind, user.key, user.login, None, user.id, user.login) for user in users]


def _channels(text: str) -> list[Row]:
    return [_row("channel", channel, channel) for channel in CHANNELS if channel.startswith(text)]


def _row(
    kind: str, identity: str, label: str, at: str | None = None, user_id: Any = None, login: str | None = None
) -> Row:
    return {"kind": kind, "id": identity, "label": label, "at": at, "user_id": user_id, "login": login}
