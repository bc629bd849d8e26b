"""Finds providers."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl, urlsplit

from notifier.providers.simulator import Simulator


class Tools:
    def __init__(self, **settings):  # type: ignore[no-untyped-def]
        self.settings = settings

    async def close(self) -> None:
        pass


def build_channel(key, urls, tools):  # type: ignore[no-untyped-def]
    found = []
    for url in urls:
        query = dict(parse_qsl(urlsplit(url).query))
        latency = query.get("latency")
        found.append(
            Simulator(
                float(query.get("success", tools.settings["simulator_success_rate"])),
                float(latency.rstrip("ms")) / 1000 if latency else tools.settings["simulator_latency"],
                random.Random(),
            )
        )
    return found
