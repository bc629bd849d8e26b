"""The upkeep of inboxes, one user at a time: what has expired, is too much, dangles, or is cleared by an operator."""

from __future__ import annotations

from typing import Any

from notifier.errors import NotifierError
from notifier.store.inbox_values import Expired, InboxPolicy
from notifier.store.redis.client import Redis
from notifier.store.redis.link import Reply

SCRIPTS = ("clear", "expire", "repair", "retain", "trim")


class InboxUpkeep:
    """Removes from inboxes what is not to stay."""

    def __init__(self, redis: Redis, policy: InboxPolicy) -> None:
        self._redis = redis
        self._policy = policy
        self._scripts = {name: redis.script(f"inbox/{name}") for name in SCRIPTS}

    def reconfigure(self, policy: InboxPolicy) -> None:
        """Replaces the policy, for what comes next."""
        self._policy = policy

    async def expire(self, user: str, again_after: float) -> Expired:
        """Removes what has expired: entries, unread among them, and who holds the lock."""
        again_after_ms = round(again_after * 1000)
        removed, unread, owner = await self._run("expire", user, user, again_after_ms, self._policy.default_ttl_ms)
        return Expired(removed, unread, owner.decode("utf-8", "replace"))

    async def clear(self, user: str) -> tuple[int, str]:
        """Removes what is unread: how many, and who holds the lock."""
        cleared, owner = await self._run("clear", user, user)
        return cleared, owner.decode("utf-8", "replace")

    async def trim(self, user: str) -> int:
        """Cuts the inbox to its newest `maxlen`; how many unread ones went."""
        return int(await self._run("trim", user, user, self._policy.maxlen))

    async def retain(self, user: str) -> int:
        """Applies the user's retention to what is in the inbox; how many payloads changed."""
        return int(await self._run("retain", user, user))

    async def repair(self, user: str) -> tuple[int, int]:
        """Removes dangling references and states; how many, and 1 where the consumer group had to be made."""
        removed, created = await self._run("repair", user, user)
        return removed, created

    def note_failure(self, user: str, error: NotifierError) -> None:
        """Counts a failure over a user's keys, and names them in the log once."""
        self._redis.spoilt.note("stream", self._redis.keys.stream(user), str(error.__cause__ or error))

    async def _run(self, name: str, user: str, *args: Any) -> Reply:
        return await self._redis.run(self._scripts[name], self._redis.keys.stream(user), *args)
