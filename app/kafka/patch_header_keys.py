"""A patch of aiokafka: reading records with a header key that is not UTF-8.

aiokafka raises on such a record, and again on every retry, so each consumer of the partition would
stop there for good. Kafka accepts these records, and a client that takes keys as bytes can write
them. With the patch U+FFFD stands for what can't be decoded, as in Kafka's own client.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

from app.kafka.versions import require_tested

_StockPartitionRecords: Any = fetcher.PartitionRecords


def accept_any_header_key() -> None:
    """Make every consumer of this process read such records. May be called again."""
    require_tested("aiokafka", "app/kafka/patch_header_keys.py")
    fetcher.MemoryRecords = _RawMemoryRecords
    fetcher.PartitionRecords = _PartitionRecords


class _RawMemoryRecords(MemoryRecords):  # type: ignore[misc]
    """What a fetch has brought of a partition, with the bytes that it is read from."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw


class _PartitionRecords(_StockPartitionRecords):  # type: ignore[misc]
    """Records as aiokafka reads them; from the first that it can't read on, in Python."""

    _records: Any

    def _unpack_records(self) -> Iterator[Any]:
        with suppress(UnicodeDecodeError):
            yield from super()._unpack_records()
            return
        self._records = _LenientMemoryRecords(self._records.raw)
        # From the beginning: records that were given already are skipped by their offset.
        yield from super()._unpack_records()


class _LenientMemoryRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """The same batches, read in Python."""

    _next_slice: Any

    def next_batch(self, *_: Any) -> Any:
        """The next batch, as often as `has_next`."""
        batch, self._next_slice = self._next_slice, None
        self._cache_next()
        return _LenientBatch(batch)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: Any

    def _maybe_uncompress(self) -> None:
        if not self._decompressed:
            super()._maybe_uncompress()
            self._buffer = _LenientBytes(self._buffer)


class _LenientBytes(bytearray):
    """Bytes whose slices decode with U+FFFD in the place of invalid ones."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _LenientBytes(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """The text; U+FFFD stands for invalid bytes."""
        return super().decode(encoding, errors)
