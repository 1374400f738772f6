"""A table that is written only when Kafka has what was written.

Stock Faust writes RocksDB at once, sends the changelog behind it, and commits offsets whether or
not the changelog got there (docs/decisions/the-loop.md has the measurements). Here a batch
writes to an overlay; the loop sends the overlay to the changelog, waits until every in-sync
replica has it, and only then has it written to RocksDB together with the changelog's offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import faust
import msgspec
import rocksdict
from faust.stores.rocksdb import Store
from faust.types import TP

V = TypeVar("V", bound=msgspec.Struct)


class Change(NamedTuple):
    """One write that waits for the changelog; `value` is `None` for a removal."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None


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
            options=dict(_ROCKSDB),
        )
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(value).decode
        self._overlay: dict[tuple[int, bytes], V | None] = {}
        app.tables.add(self)

    def info(self) -> dict[str, Any]:
        """What `clone` would need; a table of ours is declared once and never cloned."""
        raise TypeError("a Parley table is not cloned")

    def read(self, partition: int, key: str) -> V | None:
        """The value as this batch sees it, its own writes included; `None` where there is none."""
        raw_key = key.encode()
        place = (partition, raw_key)
        if place in self._overlay:
            return self._overlay[place]
        raw = self._db(partition).get(raw_key)
        return None if raw is None else self._decode(raw)

    def write(self, partition: int, key: str, value: V | None) -> None:
        """Remember the value for this batch; `None` removes the key."""
        self._overlay[(partition, key.encode())] = value

    def changes(self) -> Iterator[Change]:
        """What the batch has written, as records of the changelog."""
        topic = self.changelog_topic_name
        for (partition, key), value in self._overlay.items():
            yield Change(topic, partition, key, None if value is None else self._encode(value))

    def keep(self, changes: Iterable[Change], offsets: Mapping[tuple[str, int], int]) -> None:
        """Write to RocksDB what the changelog has, a partition's changes at once.

        `offsets` are the highest that they got in the changelog, by topic and partition.
        """
        batches: dict[int, Any] = {}
        for change in changes:
            batch = batches.setdefault(change.partition, rocksdict.WriteBatch(raw_mode=True))
            if change.value is None:
                batch.delete(change.key)
            else:
                batch.put(change.key, change.value)
        for partition, batch in batches.items():
            offset = offsets[(self.changelog_topic_name, partition)]
            batch.put(Store.offset_key, str(offset).encode())
            self._db(partition).write(batch)
        self._overlay.clear()

    def forget(self) -> None:
        """Drop what the batch has written and not kept."""
        self._overlay.clear()

    def kept(self, partition: int) -> Iterator[tuple[str, V]]:
        """Everything that RocksDB has of a partition, without what a batch has written."""
        for key, raw in self._db(partition).items():
            if key != Store.offset_key:
                yield key.decode(), self._decode(raw)

    def kept_offset(self, partition: int) -> int | None:
        """The changelog offset up to which RocksDB stands, `None` before its first write."""
        offset: int | None = self.data.persisted_offset(TP(self.changelog_topic_name, partition))
        return offset

    def _db(self, partition: int) -> Any:
        store: Any = self.data
        return store._db_for_partition(partition)


#: Faust's defaults take 2 GiB of block cache for every partition of every table.
_ROCKSDB = {
    "block_cache_size": 32 * 1024 * 1024,
    "block_cache_compressed_size": 8 * 1024 * 1024,
    "write_buffer_size": 4 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "max_open_files": 256,
    "driver": "rocksdict",
}
