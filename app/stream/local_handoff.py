"""Local hand-off: an agent's records go straight to the agents of this process that read them.

They are handed off once Kafka has them, with the offsets that Kafka gave them. A group takes them
if they are the next that it would fetch, and saves the fetch, which took a third of a message's
way. All other records are fetched: those for partitions of other workers, those behind a record of
another process, those written while partitions moved. docs/decisions/handing-on.md has why that is
safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from app.kafka.record import Record


class LocalReader(Protocol):
    """A consumer group in this process."""

    def reads(self, topic: str, partition: int) -> bool:
        """Whether the group has the partition in this process, now."""

    def receive(self, records: Sequence[Record]) -> None:
        """Take records of one partition that Kafka has, or leave them to be fetched."""


#: The groups that read in this process at present.
LOCAL_READERS: Final[set[LocalReader]] = set()


def hand_off(
    topic: str,
    partition: int,
    offset: int,
    sent: Sequence[tuple[bytes, bytes, Sequence[tuple[str, bytes]]]],
) -> None:
    """Offer records (key, value, headers) that Kafka has from `offset` on to their readers."""
    readers = [reader for reader in LOCAL_READERS if reader.reads(topic, partition)]
    if not readers:
        return
    records = [
        Record(topic, partition, at, key, value, headers)
        for at, (key, value, headers) in enumerate(sent, offset)
    ]
    for reader in readers:
        reader.receive(records)
