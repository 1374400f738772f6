"""A batch of an agent's records: what they hold, and what is to be in Kafka because of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import structlog

from app.errors import Malformed, StoreFailed
from app.events import dead_of, encode
from app.kafka.record import Record
from app.stream.acks import Acks, DeferredAck
from app.stream.checkpoint import Checkpointer
from app.stream.output_buffer import Headers, OutputBuffer, Written
from app.stream.table import Table
from app.topics import DEAD, partition_of

log = structlog.get_logger()
T = TypeVar("T")

#: Bytes of a value that is dealt with, at most. Kafka takes records of 1 MiB, and what follows from
#: one (the same with a verdict, say) must fit into another; an edge's bodies have 64 KiB.
MAX_VALUE_BYTES: Final = 512 * 1024


class Batch:
    """Some records of an agent's topic, in order, and what is to be sent because of them."""

    def __init__(
        self,
        app: Any,
        producer: Any,
        taken: Acks,
        tables: Sequence[Table[Any]] = (),
        keeping: Checkpointer | None = None,
    ) -> None:
        self.records = taken.records
        #: Changes with every rebalance: who has a partition now may not have had it before.
        self.generation: int = app.consumer_generation_id
        self._app = app
        self._producer = producer
        self._tables = tables
        self._keeping = keeping
        self._taken = taken
        self._outputs = OutputBuffer(producer)

    @property
    def partitions(self) -> set[int]:
        """The partitions that the records are of."""
        return {record.partition for record in self.records}

    def decode(
        self, decoder: Callable[[bytes], T], longest: int = MAX_VALUE_BYTES
    ) -> Iterator[tuple[Record, T]]:
        """The records with what they hold; what can't be decoded goes to `chat.dead`."""
        for record in self.records:
            try:
                if len(record.value) > longest:
                    raise Malformed(f"{len(record.value)} bytes, where {longest} are the most")
                value = decoder(record.value)
            except Malformed as error:
                self.bury(record, str(error))
            else:
                yield record, value

    def each(
        self,
        decoder: Callable[[bytes], T],
        step: Callable[[Record, T], None],
        longest: int = MAX_VALUE_BYTES,
    ) -> None:
        """Take the step for each record; one that it raises on goes to `chat.dead`.

        A step reads, decides, and only then writes and sends, so that nothing is left of one
        that raised. Raises `StoreFailed` alone: that is about the machine, not about the record.
        """
        for record, value in self.decode(decoder, longest):
            try:
                step(record, value)
            except StoreFailed:
                raise
            except Malformed as error:
                self.bury(record, str(error))
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
        return Batch(self._app, self._producer, DeferredAck(record, self._taken.defer(record)))

    @property
    def is_current(self) -> bool:
        """Whether no rebalance has come since: then somebody else may have the partitions."""
        return bool(self._app.consumer_generation_id == self.generation)

    async def finish(self) -> None:
        """Return when Kafka has the outputs; have the offsets committed when the tables stand."""
        written = await self._outputs.send()
        if self._keeping is None:
            self._taken.settled()
        else:
            await self._keeping.owe(self._taken, written)

    async def keep(self) -> None:
        """Return when what is written to the tables is kept; there must be no outputs yet."""
        if self._keeping is not None:
            for table in self._tables:
                table.settle()
            await self._keeping.now()

    def newly_kept(self) -> Written:
        """The highest offsets that outputs got of whose batches the tables have all, lately.

        By topic and partition; each is told once.
        """
        return {} if self._keeping is None else self._keeping.newly_kept(self.generation)

    def bury(self, record: Record, reason: str) -> None:
        """Send the record to `chat.dead`, with where it stood and why."""
        burial = dead_of(record, self._app.conf.id, reason)
        where = {"topic": record.topic, "offset": record.offset}
        log.warning("record is dead", **where, reason=burial.reason)
        place = burial.place.encode()
        self._outputs.add(DEAD, self._partition_of(place), place, encode(burial))
