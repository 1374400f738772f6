"""The loop that every agent of Parley runs on.

    async for batch in batches(stream, tables=(rooms, members)):
        for record, command in batch.decode(decode_command):
            batch.send(MODERATED, …)

The body decides, over the tables' overlay, and says what is to be sent. When it comes back for
the next batch, the loop settles this one: the outputs are in Kafka, then the table changes are in
Kafka, then RocksDB is written, then the offsets may be committed. In this order nothing can be
committed whose effect is not in Kafka. Any doubt ends the process: its successor begins at the
last commit, and what it does twice is dropped by number.

Stock Faust does not give that: docs/decisions/the-loop.md has the measurements.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog
from faust.types import TP
from mode.supervisors import SupervisorStrategy

from app.errors import Malformed, StoreFailed
from app.events import Dead, encode
from app.intake import PIECE, Piece
from app.outputs import Headers, Outputs
from app.pulse import GROUP, pulse
from app.table import Table
from app.topics import DEAD, partition_of

log = structlog.get_logger()
T = TypeVar("T")

#: Records in a batch at most. More gain little and make a later start after a crash.
LIMIT = 500

#: sysexits.h: EX_SOFTWARE. The supervisor starts the process again whatever the code.
EXIT_DOUBT = 70


class FailStop(SupervisorStrategy):
    """Ends the process where an agent fails, at once and without a commit."""

    def wakeup(self) -> None:
        """Called by Faust when an agent has raised."""
        for service in self._services:
            if service.crashed:
                reason = service.crash_reason
                log.critical("agent failed, the process ends", agent=str(service), exc_info=reason)
        os._exit(EXIT_DOUBT)


class Record(NamedTuple):
    """A record as it came from Kafka; a key or value that is not there is empty."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Batch:
    """Some records of an agent's topic, in order, and what is to be sent because of them."""

    def __init__(
        self,
        app: Any,
        producer: Any,
        records: Sequence[Record],
        tables: Sequence[Table[Any]] = (),
        items: Sequence[Any] = (),
    ) -> None:
        self.records = records
        #: Changes with every rebalance: who has a partition now may not have had it before.
        self.generation: int = app.consumer_generation_id
        #: The highest offset that an output got, by topic and partition, once it is settled.
        self.written: dict[tuple[str, int], int] = {}
        self._app = app
        self._producer = producer
        self._tables = tables
        self._outputs = Outputs(producer)
        self._items = list(items)
        self._resolve: Callable[[], None] | None = None

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
        batch = Batch(self._app, self._producer, [record])
        batch._resolve = _defer(self._app, self._items, record)
        return batch

    @property
    def is_current(self) -> bool:
        """Whether no rebalance has come since: then somebody else may have the partitions."""
        return bool(self._app.consumer_generation_id == self.generation)

    async def finish(self) -> None:
        """Settle, and let the offsets of the records be committed."""
        await self.settle()
        if self._resolve is not None:
            self._resolve()
        else:
            _settled(self._app, self._items)

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


async def batches(
    stream: Any, tables: Sequence[Table[Any]] = (), limit: int = LIMIT
) -> AsyncIterator[Batch]:
    """The stream's records in batches, each settled and acknowledged before the next is given.

    A batch is what has come meanwhile, at least one record and at most `limit`: a lone record
    waits for nobody. Raises what the body or Kafka raises; the group's supervisor then ends the
    process.
    """
    app = stream.app
    queue = stream.channel.queue
    GROUP.set(app.conf.id)
    signs = pulse(app.conf.id)
    producer = await _producer(app)
    while True:
        try:
            taken = [await queue.get()]
        except StopAsyncIteration:  # Faust stops the agent
            return
        count = _size(taken[0])
        while count <= limit - PIECE and not queue.empty():
            taken.append(queue.get_nowait())
            count += _size(taken[-1])
        current = _of_this_generation(app, taken)
        if not current:
            continue
        records = [record for item in current for record in _records(item)]
        batch = Batch(app, producer, records, tables, current)
        _take(app, current)
        with signs.at_work():
            yield batch
            await batch.finish()


async def _producer(app: Any) -> Any:
    """A producer of the agent's own: one has a single request under way to each broker."""
    if not app.started:  # under Faust's `test_context`
        return app.producer
    return await app.add_runtime_dependency(app._new_producer())


def _of_this_generation(app: Any, taken: list[Any]) -> list[Any]:
    """What came after the last rebalance; what came before it will come again.

    Stock Faust acknowledges what it skips here, so that a crash soon after loses it.
    """
    if not app.flow_control.is_active():
        return []
    generation = app.consumer_generation_id
    return [item for item in taken if _generation(item) == generation]


# In a worker the queue has pieces of partitions; under Faust's `test_context` it has events.


def _size(item: Any) -> int:
    return len(item.records) if isinstance(item, Piece) else 1


def _generation(item: Any) -> int:
    generation: int = (item if isinstance(item, Piece) else item.message).generation_id
    return generation


def _records(item: Any) -> list[Record]:
    if isinstance(item, Piece):
        return [_record(record) for record in item.records]
    return [_record(item.message)]


def _take(app: Any, items: list[Any]) -> None:
    if isinstance(items[0], Piece):
        app.consumer.take(items)


def _settled(app: Any, items: list[Any]) -> None:
    if items and isinstance(items[0], Piece):
        app.consumer.settle(items)
    else:
        for event in items:
            event.ack()


def _defer(app: Any, items: list[Any], record: Record) -> Callable[[], None]:
    """Keep the record from being committed with the others; what to call when it is settled."""
    if isinstance(items[0], Piece):
        resolve: Callable[[], None] = app.consumer.defer(
            TP(record.topic, record.partition), record.offset
        )
        return resolve
    at = (record.topic, record.partition, record.offset)
    [event] = [item for item in items if _place(item.message) == at]
    items.remove(event)
    return partial(event.ack)


def _place(message: Any) -> tuple[str, int, int]:
    return message.topic, message.partition, message.offset


def _record(message: Any) -> Record:
    headers = message.headers or ()
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key or b"",
        message.value or b"",
        tuple(headers.items()) if isinstance(headers, dict) else headers,
    )
