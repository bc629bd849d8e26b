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

    # Each goes through an inbox in parts, a script each.

    async def expire(self, user: str, again_after: float) -> Expired:
        """Removes what has expired: entries, unread among them, and who holds the lock."""
        again_after_ms, begin, soonest, provisional = round(again_after * 1000), b"-", b"", b""
        all_removed, all_unread, told = 0, 0, list[bytes]()
        while begin is not None:
            removed, unread, owner, begin, soonest, provisional, pods = await self._run(
                "expire", user, user, again_after_ms, self._policy.default_ttl_ms, begin, soonest, provisional
            )
            all_removed, all_unread, told = all_removed + removed, all_unread + unread, pods or told
        return Expired(all_removed, all_unread, owner.decode("utf-8", "replace"), told)

    async def clear(self, user: str) -> tuple[int, str]:
        """Removes what is unread: how many, and who holds the lock."""
        begin, all_cleared = b"-", 0
        while begin is not None:
            cleared, owner, begin = await self._run("clear", user, user, begin)
            all_cleared += cleared
        return all_cleared, owner.decode("utf-8", "replace")

    async def trim(self, user: str) -> tuple[int, list[bytes]]:
        """Cuts the inbox to its newest `maxlen`; how many unread ones went, and the pods with connections."""
        begin, all_lost, pods = b"-", 0, None
        while begin is not None:
            lost, begin, pods = await self._run("trim", user, user, self._policy.maxlen, begin)
            all_lost += lost
        return all_lost, pods or []

    async def retain(self, user: str) -> int:
        """Applies the user's retention to what is in the inbox; how many payloads changed."""
        begin, all_changed = b"-", 0
        while begin is not None:
            changed, begin = await self._run("retain", user, user, begin)
            all_changed += changed
        return all_changed

    async def repair(self, user: str) -> tuple[int, int]:
        """Removes dangling references and states; how many, and 1 where the consumer group had to be made."""
        begin, states, marks, all_removed, all_created = b"-", 0, 0, 0, 0
        while begin is not None:
            removed, created, begin, states, marks = await self._run("repair", user, user, begin, states, marks)
            all_removed, all_created = all_removed + removed, all_created + created
        return all_removed, all_created

    def note_failure(self, user: str, error: NotifierError) -> None:
        """Counts a failure over a user's keys, and names them in the log once."""
        self._redis.spoilt.note("stream", self._redis.keys.stream(user), str(error.__cause__ or error))

    async def _run(self, name: str, user: str, *args: Any) -> Reply:
        return await self._redis.run(self._scripts[name], self._redis.keys.stream(user), *args)
