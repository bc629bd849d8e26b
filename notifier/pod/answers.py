"""Answers to the other instances: this one's connections, and the order to close one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from notifier.domain.times import format_time
from notifier.live.connection import Connection
from notifier.live.hub import Hub
from notifier.live.peers import Peers

NORMAL_CLOSURE = 1000  # RFC 6455 §7.4.1


class ConnectionAnswers:
    """Answers about this instance's WebSocket connections, as plain data."""

    def __init__(self, pod: str, hub: Hub, now: Callable[[], float]) -> None:
        """`now` returns the store's time in Unix seconds."""
        self._pod = pod
        self._hub = hub
        self._now = now

    def register(self, peers: Peers) -> None:
        """Registers an answer for each question."""
        peers.answers("clients", self.page)
        peers.answers("clients_of", self.of_user)
        peers.answers("connections", self.counts)
        peers.answers("users", lambda: self._hub.users)
        peers.answers("disconnect", self.disconnect)

    def page(self, after: str, limit: int) -> dict[str, Any]:
        """Connections with an id above `after`, `limit` at most, and the number of all."""
        ids = sorted(connection.id for connection in self._hub if connection.id > after)[:limit]
        rows = [self._row(connection) for i in ids if (connection := self._hub.get(i))]
        return {"total": len(self._hub), "rows": rows}

    def of_user(self, user: str) -> list[dict[str, Any]]:
        """A user's connections."""
        member = self._hub.member(user)
        return [self._row(connection) for connection in member.connections] if member else []

    def counts(self, users: Sequence[str]) -> dict[str, int]:
        """Connections by user; users without any are left out."""
        return {user: number for user in users if (number := self._hub.count(user))}

    def disconnect(self, connection_id: str) -> bool:
        """Closes a connection; False when this instance has none of that id."""
        connection = self._hub.get(connection_id)
        if connection is None:
            return False
        connection.close(NORMAL_CLOSURE, "closed by an operator")
        return True

    def _row(self, connection: Connection) -> dict[str, Any]:
        silent_for = max(0.0, time.monotonic() - connection.last_seen)
        return {
            "connection_id": connection.id,
            "user_id": connection.user.id,
            "login": connection.user.login,
            "pod_id": self._pod,
            "remote": connection.remote,
            "connected_at": format_time(connection.connected_at),
            "last_seen": format_time(self._now() - silent_for),
            "sent": connection.sent,
            "acked": connection.acked,
            "buffered": connection.buffered,
        }
