"""Sessions as the API shows them, and where a user stands with the limit on sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from notifier.domain.sessions import Session
from notifier.domain.times import format_time
from notifier.store.deliveries import Deliveries
from notifier.store.delivery_records import digest
from notifier.store.sessions import Sessions


class SessionService:
    """Adding, showing and dropping sessions. Raises `NotifierError(unavailable)`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def add(self, session: Session) -> dict[str, Any]:
        """Stores a session; as it is shown."""
        return _shown(await self._sessions.add(session))

    async def of(self, user_id: str) -> list[dict[str, Any]]:
        """The sessions of a user, the oldest first."""
        return [_shown(one.session) for one in await self._sessions.of(user_id)]

    async def drop(self, user_id: str) -> None:
        """Forgets all sessions of a user."""
        await self._sessions.drop_all(user_id)


class SendRate:
    """The state of users' limit, `RATE_LIMIT_PER_USER`."""

    def __init__(self, deliveries: Deliveries, rate: tuple[int, float], now: Callable[[], float]) -> None:
        """`rate` is the limit and its window in seconds."""
        self._deliveries = deliveries
        self._rate = rate
        self._now = now

    def reconfigure(self, rate: tuple[int, float]) -> None:
        """Replaces the limit and its window."""
        self._rate = rate

    async def look(self, user_id: str) -> dict[str, Any]:
        """`limit`, what `remaining` of it in this window of `window_s`, and `reset_at`, when the next begins."""
        limit, window = self._rate
        used, left = await self._deliveries.user_rate(digest(user_id))
        return {
            "user_id": user_id,
            "limit": limit,
            "remaining": max(0, limit - used),
            "window_s": window,
            "reset_at": format_time(self._now() + (left or window)),
        }


def _shown(session: Session) -> dict[str, Any]:
    shown: dict[str, Any] = {"user_id": session.user_id, "platform": session.platform}
    if session.platform == "web":
        shown["subscription"] = {"endpoint": session.address, "keys": session.subscription}
    else:
        shown["device_token"] = session.address
    return shown | {"created_at": session.created_at}
