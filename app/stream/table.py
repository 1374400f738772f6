"""A table that is written only when Kafka has what was written.

Stock Faust writes RocksDB at once, sends the changelog behind it, and commits offsets whether or
not the changelog got there (docs/decisions/the-loop.md has the measurements). Here a batch
writes to an overlay. When its outputs are in Kafka, its changes wait with those of other batches to
be sent to the changelog; when every in-sync replica has them, they are written to RocksDB together
with the changelog's offset.

A changelog has one writer, but for a worker that slept and does not know yet that its partitions
are another's. Each of the two sees the other's records as a gap between its own, and reads what is
there instead of writing: so RocksDB never stands at an offset without what is before it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar, cast

import faust
import msgspec
import rocksdict
from faust.types import TP

from app.domain.versioned_value import newer, unwrap, wrap
from app.stream.rocksdb_store import ROCKSDB, Store
from app.stream.write_buffer import TableKey, WriteBuffer

V = TypeVar("V", bound=msgspec.Struct)

#: Values of a table that are kept decoded, at most: beyond that all are let go.
VALUES = 20_000


class Known(NamedTuple, Generic[V]):
    """What a key has, decoded, and the version it was written with; -1: never."""

    version: int
    value: V | None


class Change(NamedTuple):
    """One write that waits for the changelog."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Table(faust.Table, Generic[V]):  # type: ignore[type-arg]
    """A Faust table of `V`, read and written by partition and key, within the loop alone.

    Faust does the rest: it creates the store, recovers it from the changelog, and moves it with
    its partition.
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
        self._pending = WriteBuffer()
        #: What stands before something older in a changelog.
        self._overtaken: set[TableKey] = set()
        #: The offset that the next record of a partition's changelog gets, if nobody else writes.
        self._next: dict[int, int] = {}
        #: What was read or written last, decoded. Nobody else writes, and values don't change.
        self._values: dict[tuple[int, str], Known[V]] = {}
        app.tables.add(self)

    def info(self) -> dict[str, Any]:
        """What `clone` would need; a table of ours is declared once and never cloned."""
        raise TypeError("a Parley table is not cloned")

    def read(self, partition: int, key: str) -> V | None:
        """The value as this batch sees it, its own writes included; `None` where there is none."""
        known = self._values.get((partition, key))
        return (known or self._known(partition, key)).value

    def _known(self, partition: int, key: str) -> Known[V]:
        raw = self._raw(partition, key.encode())
        version, payload = (-1, None) if raw is None else unwrap(raw)
        value = None if payload is None else self._decode(payload)
        known = self._values[partition, key] = Known(version, value)
        return known

    def _raw(self, partition: int, key: bytes) -> bytes | None:
        raw = self._pending.get((partition, key))
        return self.store.read(partition, key) if raw is None else raw

    def write(self, partition: int, key: str, value: V | None, version: int) -> None:
        """Remember the value for this batch; `None` removes the key.

        `version` grows with every write of the key, whoever writes: the `n` of the event, or the
        offset of the record, that the value follows. What is older than what was read is passed
        over: it has come a second time, from a worker that slept or after a crash.
        """
        known = self._values.get((partition, key))
        if known is not None and version < known.version:
            return
        raw = wrap(version, None if value is None else self._encode(value))
        self._pending.write((partition, key.encode()), raw)
        self._values[partition, key] = Known(version, value)

    def settle(self) -> None:
        """The outputs of the batch in hand are in Kafka: what it has written may follow."""
        self._pending.settle()

    @property
    def waiting(self) -> int:
        """Changes that are settled and not yet sent."""
        return self._pending.settled

    def changes(self) -> Iterator[Change]:
        """What is settled, as records of the changelog: `keep` is to be called when it has them."""
        topic = self.changelog_topic_name
        for (partition, key), value in self._pending.send().items():
            yield Change(topic, partition, key, value)

    def doubtful(self, offsets: Mapping[tuple[str, int], int]) -> dict[int, int]:
        """The partitions whose changelogs have more than ours since we wrote, and from where on.

        Their changes are to be read back (`recover`) rather than to be kept: somebody else has
        written in between. `offsets` as for `keep`.
        """
        found: dict[int, int] = {}
        for partition, count in self._pending.sent_of_each().items():
            first = offsets[self.changelog_topic_name, partition] + 1 - count
            if (start := self._next.get(partition, first)) != first:
                found[partition] = start
        return found

    def keep(
        self, offsets: Mapping[tuple[str, int], int], without: Container[int] = frozenset()
    ) -> None:
        """Write to RocksDB what `changes` gave, a partition's at once.

        `offsets` are the highest that they got in the changelog, by topic and partition. The
        partitions of `without` were read from there.
        """
        batches: dict[int, Any] = {}
        for (partition, key), value in self._pending.sent.items():
            if partition not in without:
                batch = batches.setdefault(partition, rocksdict.WriteBatch(raw_mode=True))
                batch.put(key, value)
        for partition, batch in batches.items():
            offset = offsets[(self.changelog_topic_name, partition)]
            self.store.write(partition, batch, offset)
            self._next[partition] = offset + 1
        self._pending.arrived()
        if len(self._values) > VALUES:
            self._values.clear()

    def stand(self, places: Mapping[int, int]) -> None:
        """These partitions are ours, read up to the offset that their next record gets.

        What waits of others is dropped, and what was overtaken while they were others': nothing of
        it is committed, and who has them does it anew.
        """
        self._next = dict(places)
        self._values.clear()
        self._overtaken = {place for place in self._overtaken if place[0] in places}
        self._pending.drop(
            lambda place, raw: place[0] not in places or not newer(raw, self.store.read(*place))
        )

    def forget(self) -> None:
        """Drop what was written and is not kept."""
        self._pending.clear()
        self._values.clear()
        self._next.clear()

    def kept(self, partition: int) -> Iterator[tuple[str, V]]:
        """Everything that a partition has, without what the batch in hand has written.

        As it is now, however long the iterating takes, and not in memory all at once.
        """
        waiting = self._pending.settled_of(partition)
        stored = self.store.entries(partition)
        of_store = (pair for pair in stored if pair[0] not in waiting)
        return (
            (key.decode(), self._decode(payload))
            for key, raw in chain(waiting.items(), of_store)
            if (payload := unwrap(raw).payload) is not None
        )

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Called by Faust while it recovers, in groups that are not on Parley's loop."""
        parted: dict[int, list[Any]] = {}
        for event in batch:
            parted.setdefault(event.message.partition, []).append(event.message)
        for partition, records in parted.items():
            self.recover(partition, records)

    def recover(self, partition: int, records: Sequence[Any]) -> None:
        """Take in records of a partition's changelog, keeping of each key the newest version.

        What a newer one has overtaken was written by a worker that had slept. It stands behind
        the newer one in the changelog, where compaction would keep it and drop the other: so the
        newer one is written once more (`renew`).
        """
        self._values.clear()
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
        offset = max(record.offset for record in records)
        self.store.write(partition, writes, offset)
        self._next[partition] = offset + 1

    def renew(self) -> None:
        """Have written once more what stands before something older in a changelog."""
        for place in self._overtaken:
            if (raw := self.store.read(*place)) is not None:
                self._pending.write_again(place, raw)
        self._overtaken.clear()

    def kept_offset(self, partition: int) -> int | None:
        """The changelog offset up to which RocksDB stands, `None` before its first write."""
        return self.store.persisted_offset(TP(self.changelog_topic_name, partition))

    @property
    def store(self) -> Store:
        """The table on this machine's disk."""
        return cast(Store, self.data)

    def _new_store(self) -> Store:
        return Store(
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
