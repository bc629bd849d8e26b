"""Messages on their way from Kafka to the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from notifier.ingest.messages import Source

Partition = tuple[str, int]  # topic and number


class Letter(NamedTuple):
    """A message as it came; `raw` is None where it has no value."""

    source: Source
    raw: bytes | None

    @property
    def partition(self) -> Partition:
        """The topic and partition that it came from."""
        return self.source.topic, self.source.partition


class Batch:
    """Messages that are stored together; `ends` is where their partitions stand once they are: the next offset."""

    def __init__(self, letters: list[Letter]) -> None:
        self.letters = letters
        self.ends: dict[Partition, int] = {letter.partition: letter.source.offset + 1 for letter in letters}

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Leaves out partitions that belong to another pod now: it reads them again."""
        gone = set(partitions)
        self.letters = [letter for letter in self.letters if letter.partition not in gone]
        self.ends = {partition: end for partition, end in self.ends.items() if partition not in gone}
