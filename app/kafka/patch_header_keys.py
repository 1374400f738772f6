"""Reading a record whose header has a key that is no UTF-8.

aiokafka fails on it, and on each try again: the partition would stand still for good, for whoever
reads it. Kafka takes such a record, and a client that is given bytes for keys may write it. Here
U+FFFD stands for what can't be decoded, as in Kafka's own client.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

_Stock: Any = fetcher.PartitionRecords


def read_any_header_key() -> None:
    """Have all consumers of this process read such records from here on."""
    fetcher.MemoryRecords = _Raw
    fetcher.PartitionRecords = _AnyKeys


class _Raw(MemoryRecords):  # type: ignore[misc]
    """What a fetch has brought of a partition, and the bytes that it is read from."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw


class _AnyKeys(_Stock):  # type: ignore[misc]
    """Records as aiokafka reads them; from one on that it can't read, slower and leniently."""

    _records: Any

    def _unpack_records(self) -> Iterator[Any]:
        with suppress(UnicodeDecodeError):
            yield from super()._unpack_records()
            return
        self._records = _Lenient(self._records.raw)
        # From the beginning: what was given already is passed over by its offset.
        yield from super()._unpack_records()


class _Lenient(_MemoryRecordsPy):  # type: ignore[misc]
    """The same batches, read in Python."""

    _next_slice: Any

    def next_batch(self, *_: Any) -> Any:
        """The next of them, as often as `has_next`."""
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
    """Bytes of which each part is decoded with what stands for the wrong ones."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _LenientBytes(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """As text; what can't be is U+FFFD."""
        return super().decode(encoding, errors)
