"""Chunks of records in an agent's queue, and their acknowledgement.

In a worker the queue holds chunks of a partition (app/stream/consumer.py), under Faust's
`test_context` it holds single events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from faust.types import TP

from app.kafka.record import Record, record_of

#: The most records of a chunk.
CHUNK_RECORDS = 250


class Chunk(NamedTuple):
    """Records of a partition, in order, and the group's generation when they were fetched.

    A chunk without records says that the partition was assigned (`ChunkConsumer.announce`).
    `since_ms` is the time since which Kafka has the first record.
    """

    place: TP
    records: Sequence[Record]
    generation_id: int
    since_ms: int = 0

    @property
    def end(self) -> int:
        """The offset after the last record: the one to commit. There have to be records."""
        return self.records[-1].offset + 1


class Acks(Protocol):
    """Records that an agent has taken from its queue."""

    records: Sequence[Record]

    @property
    def partitions(self) -> set[int]:
        """The partitions of the records, and those that were assigned without one."""

    def ack(self) -> None:
        """Let the records' offsets be committed: Kafka has everything that follows from them."""

    def defer(self, record: Record) -> Callable[[], None]:
        """Commit nothing from this record on until the returned function is called."""


def acks_of(app: Any, items: Sequence[Any]) -> Acks | None:
    """The items of an agent's queue without those fetched before the last rebalance.

    Those come again. Stock Faust acknowledges what it skips, and a crash soon after loses it.
    `None` where nothing is left.
    """
    if not app.flow_control.is_active():
        return None
    generation = app.consumer_generation_id
    current = [item for item in items if _generation(item) == generation]
    if not current:
        return None
    return ChunkAcks(app, current) if isinstance(current[0], Chunk) else EventAcks(current)


def record_count(item: Any) -> int:
    """How many records an item of a queue has."""
    return len(item.records) if isinstance(item, Chunk) else 1


def waited(items: Sequence[Any]) -> Iterator[tuple[str, int, int]]:
    """The topic of each chunk, since when Kafka has its records, in ms, and how many those are."""
    for item in items:
        if isinstance(item, Chunk) and item.records:
            yield item.place.topic, item.since_ms, len(item.records)


class ChunkAcks:
    """Chunks of partitions."""

    def __init__(self, app: Any, chunks: Sequence[Chunk]) -> None:
        self.records: Sequence[Record] = [record for chunk in chunks for record in chunk.records]
        self._consumer = app.consumer
        self._chunks = chunks
        self._consumer.take(chunks)

    @property
    def partitions(self) -> set[int]:
        """The partitions of the chunks."""
        return {chunk.place.partition for chunk in self._chunks}

    def ack(self) -> None:
        """Acknowledge the chunks."""
        self._consumer.ack_chunks(self._chunks)

    def defer(self, record: Record) -> Callable[[], None]:
        """Defer a record of the chunks."""
        resolve: Callable[[], None] = self._consumer.defer(record)
        return resolve


class EventAcks:
    """Faust's events."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.records: Sequence[Record] = [record_of(event.message) for event in events]
        self._events = {
            record[:3]: event for record, event in zip(self.records, events, strict=True)
        }

    @property
    def partitions(self) -> set[int]:
        """The partitions of the events."""
        return {record.partition for record in self.records}

    def ack(self) -> None:
        """Acknowledge the events."""
        for event in self._events.values():
            event.ack()

    def defer(self, record: Record) -> Callable[[], None]:
        """Leave an event out of what `ack` acknowledges."""
        acknowledge: Callable[[], None] = self._events.pop(record[:3]).ack
        return acknowledge


class ReleasingAcks:
    """The records of a batch, and one that an earlier batch has deferred."""

    def __init__(self, acks: Acks, resolve: Callable[[], None]) -> None:
        self.records = acks.records
        self.partitions = acks.partitions
        self.defer = acks.defer
        self._acks = acks
        self._resolve = resolve

    def ack(self) -> None:
        """Let all of them be committed."""
        self._resolve()
        self._acks.ack()


class DeferredAck:
    """A deferred record."""

    def __init__(self, record: Record, resolve: Callable[[], None]) -> None:
        self.records: Sequence[Record] = [record]
        self._resolve = resolve

    @property
    def partitions(self) -> set[int]:
        """The partition of the record."""
        return {record.partition for record in self.records}

    def ack(self) -> None:
        """Let the record, and those after it, be committed."""
        self._resolve()

    def defer(self, record: Record) -> Callable[[], None]:
        """Not again."""
        raise TypeError(f"{record.topic} {record.offset} is deferred already")


def _generation(item: Any) -> int:
    generation: int = (item if isinstance(item, Chunk) else item.message).generation_id
    return generation
