"""A batch of an agent's records: their decoded values, and the outputs that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, Final, TypeVar

import structlog

from app.errors import Malformed, StoreFailed
from app.events import dead_of, encode
from app.kafka.record import Record
from app.stream.acks import Acks, DeferredAck, ReleasingAcks
from app.stream.checkpoint import Checkpointer
from app.stream.output_buffer import Headers, OutputBuffer
from app.stream.table import Table
from app.topics import DEAD, partition_of

log = structlog.get_logger()
T = TypeVar("T")

#: The most bytes of a value that is decoded. Kafka takes records of 1 MiB, and the output of one (a
#: command with its verdict, say) must fit into another; a request body has 64 KiB at most.
MAX_VALUE_BYTES: Final = 512 * 1024


class Batch:
    """Records of an agent's topic in order, and the outputs to be sent because of them."""

    def __init__(
        self,
        app: Any,
        producer: Any,
        acks: Acks,
        tables: Sequence[Table[Any]] = (),
        checkpointer: Checkpointer | None = None,
    ) -> None:
        self.records = acks.records
        #: Changes with every rebalance: another worker may have had a partition in between.
        self.generation: int = app.consumer_generation_id
        self._app = app
        self._producer = producer
        self._tables = tables
        self._checkpointer = checkpointer
        self._acks = acks
        self._outputs = OutputBuffer(producer)
        self._when_sent: list[Callable[[], None]] = []

    def leave_out(self, is_wanted: Callable[[Record], bool]) -> None:
        """Keep only the wanted records; the others are acknowledged with the batch."""
        self.records = [record for record in self.records if is_wanted(record)]

    @property
    def partitions(self) -> set[int]:
        """The partitions of the records, and those that were assigned (`batches`)."""
        return self._acks.partitions

    def origin(self, record: Record) -> int:
        """The origin of the record's offset; with the offset it is the record's place in order."""
        origin = getattr(self._app.consumer, "origin", None)  # Faust's own consumer has none
        return 0 if origin is None else int(origin(record.topic, record.partition))

    def last_offsets(self, topic: str) -> dict[int, int]:
        """The highest offset of the topic's own records, by partition."""
        return {r.partition: r.offset for r in self.records if r.topic == topic}

    def decode(
        self,
        decoder: Callable[[bytes], T],
        longest: int = MAX_VALUE_BYTES,
        topics: Container[str] | None = None,
    ) -> Iterator[tuple[Record, T]]:
        """The records with their decoded values; records that can't be decoded are dead letters.

        `topics`: only those of these topics; `None`: of all.
        """
        for record in self.records:
            if topics is not None and record.topic not in topics:
                continue
            try:
                if len(record.value) > longest:
                    raise Malformed(f"{len(record.value)} bytes, where {longest} are the most")
                value = decoder(record.value)
            except Malformed as error:
                self.dead_letter(record, str(error))
            else:
                yield record, value

    def each(
        self,
        decoder: Callable[[bytes], T],
        step: Callable[[Record, T], None],
        longest: int = MAX_VALUE_BYTES,
        topics: Container[str] | None = None,
    ) -> None:
        """Call the step for each record; a record that it raises on is a dead letter.

        A step reads and decides first, and only then writes and sends, so a step that raised
        leaves no effect. Raises `StoreFailed` alone: its cause is this machine, not the record.
        """
        for record, value in self.decode(decoder, longest, topics):
            try:
                step(record, value)
            except StoreFailed:
                raise
            except Malformed as error:
                self.dead_letter(record, str(error))
            except Exception as error:  # noqa: BLE001 - one poisoned event must not stop the rest
                self.dead_letter(record, repr(error))

    def send(
        self,
        topic: str,
        record: Record,
        value: bytes,
        headers: Headers = (),
        key: bytes | None = None,
    ) -> None:
        """Send a value under the record's key to the record's partition number of `topic`.

        With another `key`, to the partition of that key.
        """
        if key is None:
            self._outputs.add(topic, record.partition, record.key, value, headers)
        else:
            self.send_keyed(topic, key, value, headers)

    def send_keyed(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Send a value that follows from no record to the partition of its key."""
        self._outputs.add(topic, self._partition_of(key), key, value, headers)

    def _partition_of(self, key: bytes) -> int:
        return partition_of(key.decode(), self._app.conf.topic_partitions)

    def defer(self, record: Record) -> Batch:
        """Take the record out into a batch of its own, for a later `finish`.

        Until then no offset from it on is committed, so it comes again after a crash. Records of
        its partition behind it may be acknowledged first, and then come again, too.
        """
        return Batch(self._app, self._producer, DeferredAck(record, self._acks.defer(record)))

    def hold(self, record: Record) -> Callable[[], None]:
        """Commit nothing from this record on until a later batch releases what this returns."""
        return self._acks.defer(record)

    def release(self, hold: Callable[[], None]) -> None:
        """Let a record that an earlier batch held be committed with those of this one."""
        self._acks = ReleasingAcks(self._acks, hold)

    @property
    def is_current(self) -> bool:
        """Whether no rebalance has come since: after one, other workers may have the partitions."""
        return bool(self._app.consumer_generation_id == self.generation)

    def when_sent(self, call: Callable[[], None]) -> None:
        """Have `call` called when Kafka has the outputs of this batch."""
        self._when_sent.append(call)

    async def send_now(self) -> None:
        """Return when Kafka has the outputs so far."""
        await self._outputs.send()

    async def finish(self) -> None:
        """Return when Kafka has the outputs. The next checkpoint acknowledges the records."""
        await self._outputs.send()
        for call in self._when_sent:
            call()
        if self._checkpointer is None:
            self._acks.ack()
        else:
            await self._checkpointer.add(self._acks)

    async def checkpoint(self) -> None:
        """Return when RocksDB has everything written to the tables; only while nothing is sent."""
        if self._checkpointer is not None:
            for table in self._tables:
                table.settle()
            await self._checkpointer.run()

    def dead_letter(self, record: Record, reason: str) -> None:
        """Send the record to `chat.dead`, with its place and the reason."""
        dead = dead_of(record, self._app.conf.id, reason, self.origin(record))
        where = {"topic": record.topic, "offset": record.offset}
        log.warning("record is dead", **where, reason=dead.reason)
        self._app.context.metrics.dead_letters.add(self._app.conf.id)
        key = dead.place.encode()
        self._outputs.add(DEAD, self._partition_of(key), key, encode(dead))
