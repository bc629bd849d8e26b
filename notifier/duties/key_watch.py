"""Key watch: ends what revoked API keys hold open here, wherever they were revoked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from notifier.duties.duty import Duty
from notifier.live.keyed import OpenByKey

Revoked = Callable[[Sequence[str]], Awaitable[list[str]]]


class KeyWatch(Duty):
    name = "key watch"
    # With the two seconds for which a pod takes a key unasked (`Access`), and the backoff: within the contract's five.
    interval = 2.0
    max_backoff = 1.0

    def __init__(self, revoked: Sequence[Revoked], opened: OpenByKey) -> None:
        """Each of `revoked` answers those of these ids that it knows to be gone."""
        super().__init__()
        self._revoked = revoked
        self._opened = opened

    async def round(self) -> None:
        held = self._opened.keys
        for ask in self._revoked if held else ():
            for key_id in await ask(held):
                self._opened.end(key_id)
