"""Key watch: ends what revoked API keys hold open here, wherever they were revoked."""

from __future__ import annotations

from notifier.duties.duty import Duty
from notifier.live.keyed import OpenByKey
from notifier.store.api_keys import ApiKeys


class KeyWatch(Duty):
    name = "key watch"
    # With the two seconds for which a pod takes a key unasked (`Access`), and the backoff: within the contract's five.
    interval = 2.0
    max_backoff = 1.0

    def __init__(self, keys: ApiKeys, opened: OpenByKey) -> None:
        super().__init__()
        self._keys = keys
        self._opened = opened

    async def round(self) -> None:
        held = self._opened.keys
        for key_id in await self._keys.revoked(held) if held else ():
            self._opened.end(key_id)
