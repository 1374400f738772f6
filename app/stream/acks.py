"""Chunks of records in an agent's queue, and their acknowledgement.

In a worker the queue holds chunks of a partition (app/stream/consumer.py), under Faust's
`test_context` single events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from faust.types import TP

from app.kafka.record import Record, record_of

#: Records of a partition that go to an agent at once, at most.
CHUNK_RECORDS = 250


class Chunk(NamedTuple):
    """Some records of a partition, in order, and the group's generation when they came."""

    place: TP
    records: Sequence[Record]
    generation_id: int

    @property
    def end(self) -> int:
        """The offset after the last record: what is committed when they are settled."""
        return self.records[-1].offset + 1


class Acks(Protocol):
    """Records in hand."""

    records: Sequence[Record]

    def settled(self) -> None:
        """What follows from the records is in Kafka: their offsets may be committed."""

    def defer(self, record: Record) -> Callable[[], None]:
        """Commit nothing from this record on until what is returned is called."""


def take(app: Any, items: Sequence[Any]) -> Acks | None:
    """Take what lay in an agent's queue, without what came before the last rebalance.

    That comes again. Stock Faust acknowledges what it skips so, and a crash soon after loses it.
    `None` where nothing is left.
    """
    if not app.flow_control.is_active():
        return None
    generation = app.consumer_generation_id
    current = [item for item in items if _generation(item) == generation]
    if not current:
        return None
    return ChunkAcks(app, current) if isinstance(current[0], Chunk) else Events(current)


def size(item: Any) -> int:
    """How many records something in a queue has."""
    return len(item.records) if isinstance(item, Chunk) else 1


class ChunkAcks:
    """Pieces of partitions."""

    def __init__(self, app: Any, pieces: Sequence[Chunk]) -> None:
        self.records: Sequence[Record] = [record for piece in pieces for record in piece.records]
        self._consumer = app.consumer
        self._pieces = pieces
        self._consumer.take(pieces)

    def settled(self) -> None:
        """Tell the consumer."""
        self._consumer.settle(self._pieces)

    def defer(self, record: Record) -> Callable[[], None]:
        """Tell the consumer."""
        place = TP(record.topic, record.partition)
        resolve: Callable[[], None] = self._consumer.defer(place, record.offset)
        return resolve


class Events:
    """Faust's events."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.records: Sequence[Record] = [record_of(event.message) for event in events]
        self._events = {
            record[:3]: event for record, event in zip(self.records, events, strict=True)
        }

    def settled(self) -> None:
        """Acknowledge them."""
        for event in self._events.values():
            event.ack()

    def defer(self, record: Record) -> Callable[[], None]:
        """Acknowledge the others without it."""
        acknowledge: Callable[[], None] = self._events.pop(record[:3]).ack
        return acknowledge


class DeferredAck:
    """A record that was put off."""

    def __init__(self, record: Record, resolve: Callable[[], None]) -> None:
        self.records: Sequence[Record] = [record]
        self._resolve = resolve

    def settled(self) -> None:
        """Let it, and what came after it, be committed."""
        self._resolve()

    def defer(self, record: Record) -> Callable[[], None]:
        """It is put off already."""
        raise TypeError(f"{record.topic} {record.offset} is put off already")


def _generation(item: Any) -> int:
    generation: int = (item if isinstance(item, Chunk) else item.message).generation_id
    return generation
