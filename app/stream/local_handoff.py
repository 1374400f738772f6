"""What an agent has written goes straight to the agents of the same process that read it.

Once Kafka has it, with the offsets that Kafka gave it: whoever reads it takes it where it is what
would be fetched next, and is spared the fetch, which took a third of a message's way. Whatever
does not fit is fetched as ever: another worker's partitions, what somebody else wrote between,
what came while partitions moved. docs/decisions/handing-on.md has why that is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from app.kafka.record import Record


class Reader(Protocol):
    """A consumer group in this process."""

    def reads(self, topic: str, partition: int) -> bool:
        """Whether the partition is the group's here, now."""

    def receive(self, records: Sequence[Record]) -> None:
        """Take records of one partition that Kafka has, or let them be."""


#: The groups of this process that read, each while it does.
LOCAL_READERS: Final[set[Reader]] = set()


def hand_off(
    topic: str,
    partition: int,
    offset: int,
    sent: Sequence[tuple[bytes, bytes, Sequence[tuple[str, bytes]]]],
) -> None:
    """Offer what Kafka has from `offset` on, as key, value and headers, to whoever reads it."""
    readers = [reader for reader in LOCAL_READERS if reader.reads(topic, partition)]
    if not readers:
        return
    records = [
        Record(topic, partition, at, key, value, headers)
        for at, (key, value, headers) in enumerate(sent, offset)
    ]
    for reader in readers:
        reader.receive(records)
