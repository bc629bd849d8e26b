"""Kafka consumer: takes part in the group, and joins it again whenever it could not go on."""

from __future__ import annotations

from notifier.duties.duty import Duty
from notifier.ingest.ingest import Ingest

SOUND_AFTER = 2.0  # seconds without a failure that end the last one


class KafkaConsumer(Duty):
    name = "kafka consumer"
    interval = 0.0
    at_once = True

    def __init__(self, ingest: Ingest) -> None:
        super().__init__()
        self._ingest = ingest

    async def round(self) -> None:
        await self._ingest.keep_reading(SOUND_AFTER)
