"""Sockets and streams of events by the API key that opened them; they end when it is revoked."""

from __future__ import annotations

from collections.abc import Callable, Hashable


class OpenByKey:
    """The open things of this pod by the id of the key that opened them. Knows nothing of Redis."""

    def __init__(self) -> None:
        self._ends: dict[str, dict[Hashable, Callable[[], None]]] = {}

    @property
    def keys(self) -> list[str]:
        """Ids of the keys that hold something open."""
        return list(self._ends)

    def hold(self, key_id: str, what: Hashable, end: Callable[[], None]) -> None:
        """Notes that something is open; `end` closes it. An empty id is no key, and holds nothing."""
        if key_id:
            self._ends.setdefault(key_id, {})[what] = end

    def release(self, key_id: str, what: Hashable) -> None:
        """Forgets what is closed."""
        held = self._ends.get(key_id)
        if held is not None and held.pop(what, None) is not None and not held:
            del self._ends[key_id]

    def end(self, key_id: str) -> None:
        """Closes all that a key holds open: it was revoked."""
        for close in self._ends.pop(key_id, {}).values():
            close()
