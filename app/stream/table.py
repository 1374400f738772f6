"""A table that is written to RocksDB only when its changelog has the writes.

Stock Faust writes RocksDB at once, sends the changelog record behind it, and commits offsets
whether or not that record arrived (docs/decisions/the-loop.md has the measurements). Here a batch
writes to a buffer. When Kafka has the outputs of the batch, its writes wait with those of other
batches for the next checkpoint (app/stream/checkpoint.py). It sends them to the changelog, and when
every in-sync replica has them it writes them to RocksDB together with the changelog's offset.

A changelog has one writer, except while a worker that slept does not know yet that its partitions
belong to another. Each of the two sees the other's records as a gap between its own offsets, and
then reads the changelog instead of writing: so RocksDB never stands at an offset without the
records before it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import faust
import msgspec
import rocksdict
import structlog
from faust.types import TP

from app.domain.versioned_value import POSITION_KEY, newer, unwrap, version_of, wrap
from app.events import Position, encode_position, position_of
from app.kafka.record_digests import digest, digest_of
from app.stream.output_buffer import Offsets
from app.stream.rocksdb_store import ROCKSDB, ChangelogMark, RocksDBStore
from app.stream.write_buffer import TableKey, WriteBuffer, count_by_partition

log = structlog.get_logger()
V = TypeVar("V")

#: Before the first one.
NO_RECORD: Final = (b"", b"")

#: The most decoded values that a table caches: beyond that the cache is emptied.
VALUES = 20_000

#: Brings tables up to date, given the first offset to read of each changelog partition and the
#: offset to end before; `None`: the end of today.
ReadChangelogs = Callable[[Mapping[TP, Any], Mapping[TP, tuple[int, int | None]]], Awaitable[None]]


class Cached(NamedTuple, Generic[V]):
    """The decoded value of a key and the version it was written with; -1: never."""

    version: int
    value: V | None


class ChangelogRecord(NamedTuple):
    """A write on its way to the changelog."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Table(faust.Table, Generic[V]):  # type: ignore[type-arg]
    """A Faust table of `V`, read and written by partition and key, by agents on Parley's loop.

    Faust creates the store, recovers it from the changelog, and moves it with its partition.
    """

    def __init__(self, app: faust.App, name: str, value: type[V]) -> None:
        super().__init__(
            app,
            name=name,
            key_type=bytes,
            value_type=bytes,
            partitions=app.conf.topic_partitions,
            options=dict(ROCKSDB),
        )
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(value).decode
        self._buffer = WriteBuffer()
        #: Keys whose newest value stands before an older one in the changelog.
        self._overtaken: set[TableKey] = set()
        #: By partition: the offset of the next changelog record, if nobody else writes.
        self._next: dict[int, int] = {}
        #: How often others may have written: what was derived from the values before is no more.
        self.renewals = 0
        #: Values read or written lately. Nobody else writes, and values are immutable.
        self._values: dict[tuple[int, str], Cached[V]] = {}
        app.tables.add(self)

    def info(self) -> dict[str, Any]:
        """Not for this table: it is declared once and never cloned."""
        raise TypeError("a Parley table is not cloned")

    # ── for agents ───────────────────────────────────────────────────────────────────────────

    def read(self, partition: int, key: str) -> V | None:
        """The value with all writes of this batch; `None` where there is none.

        Raises `StoreFailed` where RocksDB can't be read.
        """
        known = self._values.get((partition, key))
        return (known or self._load(partition, key)).value

    def _load(self, partition: int, key: str) -> Cached[V]:
        raw = self._raw(partition, key.encode())
        version, payload = (-1, None) if raw is None else unwrap(raw)
        value = None if payload is None else self._decode(payload)
        known = self._values[partition, key] = Cached(version, value)
        return known

    def _raw(self, partition: int, key: bytes) -> bytes | None:
        raw = self._buffer.get((partition, key))
        return self.store.read(partition, key) if raw is None else raw

    def write(self, partition: int, key: str, value: V | None, version: int) -> None:
        """Write the value for this batch; `None` removes the key.

        `version` grows with every write of the key by any worker: the `n` of the event, or the
        offset of the record, that the value follows. A version below that of the last read is
        ignored: the record came again, after a crash or from a worker that slept.
        """
        known = self._values.get((partition, key))
        if known is not None and version < known.version:
            return
        raw = wrap(version, None if value is None else self._encode(value))
        self._buffer.write((partition, key.encode()), raw)
        self._values[partition, key] = Cached(version, value)

    def position(self, partition: int) -> Position | None:
        """The position of the log up to which the partition stands; `None` where none was noted."""
        raw = self._raw(partition, POSITION_KEY)
        payload = None if raw is None else unwrap(raw).payload
        return None if payload is None else position_of(payload, 0)

    def note_position(self, partition: int, position: Position) -> None:
        """Note that the partition has every event up to this position, with the writes so far.

        The note is a write like all others and follows them in the changelog: where the changelog
        has lost its end, the note that is left speaks of what is left.
        """
        raw = wrap(version_of(*position), encode_position(position))
        self._buffer.write((partition, POSITION_KEY), raw)

    def remove(self, partition: int, key: bytes, epoch: int) -> None:
        """Remove a key as of the beginning of an epoch, whatever its version in earlier ones."""
        self._buffer.write((partition, key), wrap(version_of(epoch, 0), None))
        self._renew()

    def keys_under(self, partition: int, prefix: str) -> list[str]:
        """The keys with a value that begin with this, with all writes of this batch.

        Raises `StoreFailed` where RocksDB can't be read.
        """
        start = prefix.encode()
        found = dict(self.store.entries_from(partition, start))
        found |= self._buffer.prefixed(partition, start)
        return [key.decode() for key, raw in found.items() if unwrap(raw).payload is not None]

    def every_key(self, partition: int) -> Iterator[bytes]:
        """Every key of a partition, also those of the batch in hand and removed ones."""
        written = self._buffer.keys_of(partition)
        stored = (key for key, _ in self.store.entries(partition) if key not in written)
        return (key for key in chain(written, stored) if key != POSITION_KEY)

    def stored(self, partition: int) -> Iterator[tuple[str, V]]:
        """Every key and value of a partition, without the writes of the batch in hand.

        A snapshot of this moment, however long the iteration takes; not all in memory at once.
        """
        waiting = self._buffer.settled_of(partition)
        entries = self.store.entries(partition)
        others = (pair for pair in entries if pair[0] not in waiting)
        return self._decoded(chain(waiting.items(), others))

    def prefixed(self, partition: int, prefix: str) -> Iterator[tuple[str, V]]:
        """The keys that begin so with their values, in order, with all writes of this batch."""
        start = prefix.encode()
        found = dict(self.store.entries_from(partition, start))
        found |= self._buffer.prefixed(partition, start)
        return self._decoded(sorted(found.items()))

    def _decoded(self, entries: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, V]]:
        for key, raw in entries:
            if key == POSITION_KEY or (payload := unwrap(raw).payload) is None:
                continue
            try:
                yield key.decode(), self._decode(payload)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                # Nobody but a stranger to the changelog wrote it, and it must not stop the others.
                log.warning("value skipped", table=self.name, key=key[:200], why=str(error))

    # ── for batches and checkpoints ──────────────────────────────────────────────────────────

    def settle(self) -> None:
        """Let the next checkpoint take the writes of the batch in hand: Kafka has its outputs."""
        self._buffer.settle()
        self._write_overtaken_again()

    @property
    def unsent(self) -> int:
        """How many writes wait for the next checkpoint."""
        return self._buffer.unsent

    def take_changes(self) -> UnsentChanges:
        """Begin a checkpoint with all settled writes."""
        return UnsentChanges(self, self._buffer.send())

    def _write_overtaken_again(self) -> None:
        for key in self._overtaken:
            if (raw := self.store.read(*key)) is not None:
                self._buffer.write_again(key, raw)
        self._overtaken.clear()

    # ── for recovery ─────────────────────────────────────────────────────────────────────────

    def assign(self, nexts: Mapping[int, int]) -> None:
        """Take over the partitions, which are recovered up to the offsets of their next records.

        Writes that wait for other partitions are dropped: nothing of them is committed, and the
        worker that has those partitions does the same again.
        """
        self._next = dict(nexts)
        self._renew()
        self._overtaken = {key for key in self._overtaken if key[0] in nexts}
        self._buffer.drop(
            lambda key, raw: key[0] not in nexts or not newer(raw, self.store.read(*key))
        )

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Called by Faust's own recovery, in groups that are not on Parley's loop."""
        parted: dict[int, list[Any]] = {}
        for event in batch:
            parted.setdefault(event.message.partition, []).append(event.message)
        for partition, records in parted.items():
            self.recover(partition, records)

    def recover(self, partition: int, records: Sequence[Any]) -> None:
        """Apply records of a partition's changelog, keeping the newest version of each key.

        A record with an older version than one before it was written by a worker that had slept.
        Compaction would keep it and drop the newer one, so the newer one is written again with
        the next batch.
        """
        self._renew()
        known = self.store.read_many(partition, {record.key for record in records})
        changed: dict[bytes, bytes] = {}
        for record in records:
            key = record.key
            if newer(record.value, known[key]):
                known[key] = changed[key] = record.value
            else:
                self._overtaken.add((partition, key))
        writes = rocksdict.WriteBatch(raw_mode=True)
        for key, value in changed.items():
            writes.put(key, value)
        last = max(records, key=attrgetter("offset"))
        self.store.write(partition, writes, ChangelogMark(last.offset, digest_of(last)))
        self._next[partition] = last.offset + 1

    def _renew(self) -> None:
        """Keep nothing in memory of what others may have written."""
        self._values.clear()
        self.renewals += 1

    def stored_offset(self, partition: int) -> int | None:
        """The changelog offset up to which RocksDB stands; `None` before its first write."""
        return self.store.persisted_offset(TP(self.changelog_topic_name, partition))

    def forget(self) -> None:
        """Drop every write that is not in RocksDB."""
        self._buffer.clear()
        self._renew()
        self._next.clear()

    # ── the store ────────────────────────────────────────────────────────────────────────────

    @property
    def store(self) -> RocksDBStore:
        """The table's RocksDB on this machine."""
        return cast(RocksDBStore, self.data)

    def _new_store(self) -> RocksDBStore:
        return RocksDBStore(
            self.app.conf.store,
            self.app,
            self,
            table_name=self.name,
            key_type=bytes,
            value_type=bytes,
            key_serializer=self.key_serializer,
            value_serializer=self.value_serializer,
            options=self.options,
        )


class UnsentChanges:
    """The first step of a table's checkpoint: the changelog is to get these writes."""

    def __init__(self, table: Table[Any], values: Mapping[TableKey, bytes]) -> None:
        self._table = table
        self._values = values

    def records(self) -> Iterator[ChangelogRecord]:
        """The writes as records of the changelog."""
        topic = self._table.changelog_topic_name
        positions: list[ChangelogRecord] = []
        for (partition, key), value in self._values.items():
            record = ChangelogRecord(topic, partition, key, value)
            if key == POSITION_KEY:
                positions.append(record)
            else:
                yield record
        # Last: a position must not outlive a write that it speaks of.
        yield from positions

    def sent(self, offsets: Offsets) -> SentChanges:
        """The changelog has the records; `offsets` are their highest, by topic and partition."""
        return SentChanges(self._table, self._values, offsets)


class SentChanges:
    """The second step: the changelog has the writes, perhaps between those of another worker."""

    def __init__(
        self, table: Table[Any], values: Mapping[TableKey, bytes], offsets: Offsets
    ) -> None:
        self._table = table
        self._values = values
        self._offsets = offsets

    async def read_back(self, read: ReadChangelogs) -> StorableChanges:
        """Read the changelog of each partition that another worker has written to in between.

        The partitions may be that worker's by now; or it slept, and writes what it had left. In
        both cases RocksDB gets the newest version of each key, and so does the changelog's end.
        """
        foreign = self._foreign()
        if foreign:
            topic = self._table.changelog_topic_name
            log.warning("another worker writes to a changelog", topic=topic, partitions=[*foreign])
            wanted = {TP(topic, partition): (start, None) for partition, start in foreign.items()}
            await read(dict.fromkeys(wanted, self._table), wanted)
            self._table._write_overtaken_again()
        return StorableChanges(self._table, self._values, self._offsets, without=foreign)

    def _foreign(self) -> dict[int, int]:
        """The partitions with records of others before these, and the first offset of those."""
        found: dict[int, int] = {}
        for partition, count in count_by_partition(self._values).items():
            first = self._offsets[self._table.changelog_topic_name, partition] + 1 - count
            if (start := self._table._next.get(partition, first)) != first:
                found[partition] = start
        return found


class StorableChanges:
    """The third step: RocksDB may have the writes, `without` partitions that were read back."""

    def __init__(
        self,
        table: Table[Any],
        values: Mapping[TableKey, bytes],
        offsets: Offsets,
        without: Container[int],
    ) -> None:
        self._table = table
        self._values = values
        self._offsets = offsets
        self._without = without

    def store(self) -> None:
        """Write to RocksDB, each partition in one batch with its changelog's offset."""
        table = self._table
        batches: dict[int, Any] = {}
        last: dict[int, tuple[bytes, bytes]] = {}
        for (partition, key), value in self._values.items():
            if partition not in self._without:
                batch = batches.setdefault(partition, rocksdict.WriteBatch(raw_mode=True))
                batch.put(key, value)
                # As in `records`: a position was sent last.
                if key == POSITION_KEY or last.get(partition, NO_RECORD)[0] != POSITION_KEY:
                    last[partition] = (key, value)
        for partition, batch in batches.items():
            offset = self._offsets[table.changelog_topic_name, partition]
            table.store.write(partition, batch, ChangelogMark(offset, digest(*last[partition])))
            table._next[partition] = offset + 1
        table._buffer.stored()
        if len(table._values) > VALUES:
            table._values.clear()
