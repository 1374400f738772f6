"""A table's RocksDB on this machine, which can always be recovered from Kafka.

A partition folder that is damaged, or does not fit its changelog, is renamed, and Faust recovers
the partition from its changelog into a new one. Stock Faust ends, and ends again at each start.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
from faust.stores import rocksdb as stock
from faust.types import TP

from app.errors import StoreFailed
from app.stream.rocksdb_options import MAX_OPEN_FILES, SharedOptions

log = structlog.get_logger()

#: RocksDB's errors about data that are not as it wrote them; not those about a full disk or lock.
_DAMAGE = ("Corruption", "No such file or directory", "Invalid argument")


#: The key of the digest of the last changelog record, and its value: the low bits of the offset
#: that it is about, which an earlier release moves on without it, and the digest. Eight bytes,
#: which are no value: an earlier release takes the key for a removed one.
_MARK_KEY: Final = b"__parley\0mark__"
_MARK: Final = struct.Struct(">II")
_LOW: Final = 0xFFFFFFFF


#: RocksDB's own names of what `size` adds up.
_KEYS: Final = ("rocksdb.estimate-num-keys",)
_BYTES: Final = ("rocksdb.live-sst-files-size", "rocksdb.cur-size-all-mem-tables")


class ChangelogMark(NamedTuple):
    """An offset of a changelog, and the digest of the record there."""

    offset: int
    digest: int


def is_damage(error: Exception) -> bool:
    """Whether RocksDB found its data damaged."""
    return any(word in str(error) for word in _DAMAGE)


#: Of each database; app/stream/rocksdb_options.py has what they share.
ROCKSDB = {
    "write_buffer_size": 4 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "max_open_files": MAX_OPEN_FILES,
    # Bits for a key: with Faust's 3, every fourth lookup of an absent key reads the disk.
    "bloom_filter_size": 10,
    "driver": "rocksdict",
}


class RocksDBStore(stock.Store):
    """Faust's store, which starts over where a partition's folder is damaged."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rocksdb_options = SharedOptions(
            **(self.options or {}), use_rocksdict=self.use_rocksdict
        )

    def read(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key; raises `StoreFailed`."""
        try:
            value: bytes | None = self._db_for_partition(partition).get(key)
        except Exception as error:  # rocksdict raises nothing narrower
            raise self._failed(partition, error) from error
        return value

    def _failed(self, partition: int, error: Exception) -> StoreFailed:
        if is_damage(error):
            self.note_damage(partition)
        return StoreFailed(f"table {self.table_name}, partition {partition}: {error}")

    def read_many(self, partition: int, keys: Iterable[bytes]) -> dict[bytes, bytes | None]:
        """The values of the keys."""
        listed = list(keys)
        return dict(zip(listed, self._db_for_partition(partition).get(listed), strict=True))

    def size(self) -> tuple[int, int]:
        """How many keys this process has of the table, and their bytes, as RocksDB estimates."""
        opened = list(self._dbs.values())
        keys, size = (
            sum(database.property_int_value(name) or 0 for database in opened for name in names)
            for names in (_KEYS, _BYTES)
        )
        return keys, size

    def last_record(self, partition: int) -> ChangelogMark | None:
        """The mark of the changelog record that the partition ends at.

        `None` before the first write, and where an earlier release made the last one.
        """
        database = self._db_for_partition(partition)
        offset, mark = database.get(self.offset_key), database.get(_MARK_KEY)
        if offset is None or mark is None or len(mark) != _MARK.size:
            return None
        low, digest = _MARK.unpack(mark)
        same = low == int(offset) & _LOW
        return ChangelogMark(int(offset), digest) if same else None

    def entries(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values of a partition at this moment."""
        found = self._db_for_partition(partition).items()
        return (pair for pair in found if not self._is_own(pair[0]))

    def _is_own(self, key: bytes) -> bool:
        """Whether the key is of the store itself, which says how far it stands."""
        return key in (self.offset_key, _MARK_KEY)

    def entries_from(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The keys of a partition that begin so, in order, and their values, at this moment.

        Raises `StoreFailed`.
        """
        try:
            for key, value in self._db_for_partition(partition).items(from_key=prefix):
                if not key.startswith(prefix):
                    return
                if not self._is_own(key):
                    yield key, value
        except Exception as error:  # rocksdict raises nothing narrower
            raise self._failed(partition, error) from error

    def write(self, partition: int, batch: Any, mark: ChangelogMark) -> None:
        """Write a batch together with the mark of the changelog record that it ends at."""
        batch.put(self.offset_key, str(mark.offset).encode())
        batch.put(_MARK_KEY, _MARK.pack(mark.offset & _LOW, mark.digest))
        self._db_for_partition(partition).write(batch)

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the databases of partitions that were revoked; called by Faust.

        Stock Faust runs a full garbage collection to close each of them: with a dozen tables that
        is half a second of every rebalance.
        """
        for place in tps:
            if place.topic in table.changelog_topic.topics:
                database = self._dbs.pop(place.partition, None)
                if database is not None:
                    database.close()

    async def stop(self) -> None:
        """Close every database, without a garbage collection."""
        for database in self._dbs.values():
            database.close()
        self._dbs.clear()

    def start_over(self, partition: int, why: str) -> None:
        """Rename the partition's folder, so that the partition is recovered from its changelog."""
        if (database := self._dbs.pop(partition, None)) is not None:
            database.close()
        self._rename(partition, why)

    def note_damage(self, partition: int) -> None:
        """Have the partition's folder renamed when it is opened the next time."""
        self._damage_mark(partition).touch()

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset up to which the partition stands."""
        try:
            return super().persisted_offset(tp)
        except Exception as error:
            if is_damage(error):
                self.note_damage(tp.partition)
            raise

    def _open_for_partition(self, partition: int) -> Any:
        if self._damage_mark(partition).exists():
            self._rename(partition, "it could not be read")
        try:
            return super()._open_for_partition(partition)
        except Exception as error:
            if not is_damage(error):
                raise
            self._rename(partition, str(error))
            return super()._open_for_partition(partition)

    def _damage_mark(self, partition: int) -> Path:
        path: Path = self.partition_path(partition)
        return path.with_name(f"{path.name}.damaged")

    def _rename(self, partition: int, why: str) -> None:
        path: Path = self.partition_path(partition)
        aside = path.with_name(f"{path.name}.aside")
        log.error("table is read again from Kafka", folder=str(path), why=why)
        shutil.rmtree(aside, ignore_errors=True)
        if path.exists():
            path.rename(aside)
        self._damage_mark(partition).unlink(missing_ok=True)
