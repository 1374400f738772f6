"""The dead letters that stand, without their values, followed from the beginning of the topic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from app.dead_letters.letters import DeadLetter, letter_of
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import DEAD

#: Characters of a reason that are kept.
_REASON: Final = 300


class ListedDeadLetter(NamedTuple):
    """A dead letter by its name, and its place in `chat.dead`; `at_ms` is its time."""

    name: str
    topic: str
    group: str
    reason: str
    at_ms: int
    partition: int
    offset: int


class DeadLetterList:
    """What was neither sent again nor dropped; each call of `read_on` reads only what is new."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._standing: dict[bytes, ListedDeadLetter] = {}
        self._next: dict[int, int] = {}

    async def read_on(self, reader: PartitionReader) -> None:
        """Read what the topic has got since the last call; one call at a time."""
        for partition in range(self._settings.partitions):
            async for record in reader.read(DEAD, partition, self._next.get(partition, 0)):
                self._next[partition] = record.offset + 1
                self._standing.pop(record.key, None)
                if (letter := letter_of(record)) is not None:
                    self._standing[record.key] = ListedDeadLetter(
                        letter.dead.place,
                        letter.dead.topic,
                        letter.dead.group,
                        letter.dead.reason[:_REASON],
                        letter.at_ms,
                        partition,
                        record.offset,
                    )

    def __len__(self) -> int:
        return len(self._standing)

    def newest_first(self) -> list[ListedDeadLetter]:
        """All of them."""
        return sorted(self._standing.values(), key=lambda one: (-one.at_ms, one.name))

    async def whole(
        self, reader: PartitionReader, names: Iterable[str]
    ) -> tuple[list[DeadLetter], list[str]]:
        """The dead letters of these names with their values, and the names that are none."""
        known = {one.name: one for one in self._standing.values()}
        found, unknown = [], []
        for name in names:
            place = known.get(name)
            record = place and await reader.first(DEAD, place.partition, place.offset)
            same = record and place and record.offset == place.offset
            letter = letter_of(record) if same else None
            if letter is None:
                unknown.append(name)
            else:
                found.append(letter)
        return found, unknown
