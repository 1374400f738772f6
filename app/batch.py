"""A batch of an agent's records: what they hold, and what is to be in Kafka because of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import structlog

from app.errors import Malformed, StoreFailed
from app.events import Dead, encode
from app.outputs import Headers, Outputs
from app.record import Record
from app.table import Table
from app.taken import Deferred, Taken
from app.topics import DEAD, partition_of

log = structlog.get_logger()
T = TypeVar("T")


class Batch:
    """Some records of an agent's topic, in order, and what is to be sent because of them."""

    def __init__(
        self,
        app: Any,
        producer: Any,
        taken: Taken,
        tables: Sequence[Table[Any]] = (),
    ) -> None:
        self.records = taken.records
        #: Changes with every rebalance: who has a partition now may not have had it before.
        self.generation: int = app.consumer_generation_id
        #: The highest offset that an output got, by topic and partition, once it is settled.
        self.written: dict[tuple[str, int], int] = {}
        self._app = app
        self._producer = producer
        self._tables = tables
        self._taken = taken
        self._outputs = Outputs(producer)

    @property
    def partitions(self) -> set[int]:
        """The partitions that the records are of."""
        return {record.partition for record in self.records}

    def decode(self, decoder: Callable[[bytes], T]) -> Iterator[tuple[Record, T]]:
        """The records with what they hold; what can't be decoded goes to `chat.dead`."""
        for record in self.records:
            try:
                value = decoder(record.value)
            except Malformed as error:
                self.bury(record, str(error))
            else:
                yield record, value

    def each(self, decoder: Callable[[bytes], T], step: Callable[[Record, T], None]) -> None:
        """Take the step for each record; one that it raises on goes to `chat.dead`.

        A step reads, decides, and only then writes and sends, so that nothing is left of one
        that raised. Raises `StoreFailed` alone: that is about the machine, not about the record.
        """
        for record, value in self.decode(decoder):
            try:
                step(record, value)
            except StoreFailed:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, one event stops nobody
                self.bury(record, repr(error))

    def send(
        self,
        topic: str,
        record: Record,
        value: bytes,
        headers: Headers = (),
        key: bytes | None = None,
    ) -> None:
        """Send a value under the record's key to the record's partition number of `topic`.

        Under another `key`, to the partition that is that key's.
        """
        partition = record.partition if key is None else self._partition_of(key)
        self._outputs.add(topic, partition, key or record.key, value, headers)

    def _partition_of(self, key: bytes) -> int:
        return partition_of(key.decode(), self._app.conf.topic_partitions)

    def defer(self, record: Record) -> Batch:
        """Take the record out: a batch of its own, which is settled by `finish` when it is time.

        Until then nothing from it on is committed, and so it comes again after a crash. What
        comes of its partition behind it may be settled first, and then comes again, too.
        """
        return Batch(self._app, self._producer, Deferred(record, self._taken.defer(record)))

    @property
    def is_current(self) -> bool:
        """Whether no rebalance has come since: then somebody else may have the partitions."""
        return bool(self._app.consumer_generation_id == self.generation)

    async def finish(self) -> None:
        """Settle, and let the offsets of the records be committed."""
        await self.settle()
        self._taken.settled()

    def bury(self, record: Record, reason: str) -> None:
        """Send the record to `chat.dead`, with where it stood and why."""
        dead = Dead(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            group=self._app.conf.id,
            reason=reason,
            value=record.value,
            key=record.key,
        )
        log.warning("record is dead", topic=record.topic, offset=record.offset, reason=reason)
        place = dead.place.encode()
        self._outputs.add(DEAD, self._partition_of(place), place, encode(dead))

    def renew(self, partitions: Iterable[int]) -> None:
        """Have the tables write once more what a worker that slept has written over."""
        for table in self._tables:
            for partition in partitions:
                table.renew(partition)

    async def settle(self) -> None:
        """Return when Kafka has the outputs, then the table changes, and RocksDB the latter."""
        self.written |= await self._outputs.send()
        await self.settle_tables()

    async def settle_tables(self) -> None:
        """Return when the changelogs have what was written to the tables, and then RocksDB."""
        changes = [(table, list(table.changes())) for table in self._tables]
        outputs = Outputs(self._producer)
        for _, of_table in changes:
            for change in of_table:
                outputs.add(change.topic, change.partition, change.key, change.value)
        offsets = await outputs.send()
        for table, of_table in changes:
            table.keep(of_table, offsets)
