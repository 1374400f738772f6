"""RocksDB on this machine, which is worth nothing where it can't be read: Kafka has it all.

A partition's folder that is damaged is put aside, and Faust recovers the partition from its
changelog into a new one. Stock Faust ends, and ends again at each start.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import structlog
from faust.stores import rocksdb as stock
from faust.types import TP

log = structlog.get_logger()

#: What RocksDB says of data that are not what it wrote. A full disk or a lock is another matter.
_DAMAGE = ("Corruption", "No such file or directory", "Invalid argument")


def is_damage(error: Exception) -> bool:
    """Whether the data are at fault."""
    return any(word in str(error) for word in _DAMAGE)


class Store(stock.Store):
    """Faust's store, which begins anew where its folder is damaged."""

    def note_damage(self, partition: int) -> None:
        """Have the partition's folder put aside when it is next opened."""
        self._sign(partition).touch()

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset up to which the partition stands."""
        try:
            return super().persisted_offset(tp)
        except Exception as error:
            if is_damage(error):
                self.note_damage(tp.partition)
            raise

    def _open_for_partition(self, partition: int) -> Any:
        if self._sign(partition).exists():
            self._put_aside(partition, "it could not be read")
        try:
            return super()._open_for_partition(partition)
        except Exception as error:
            if not is_damage(error):
                raise
            self._put_aside(partition, str(error))
            return super()._open_for_partition(partition)

    def _sign(self, partition: int) -> Path:
        path: Path = self.partition_path(partition)
        return path.with_name(f"{path.name}.damaged")

    def _put_aside(self, partition: int, why: str) -> None:
        path: Path = self.partition_path(partition)
        aside = path.with_name(f"{path.name}.aside")
        log.error("table is damaged, and read again from Kafka", folder=str(path), why=why)
        shutil.rmtree(aside, ignore_errors=True)
        if path.exists():
            path.rename(aside)
        self._sign(partition).unlink(missing_ok=True)
