"""A file of records, one after the other, compressed: `length (4 bytes) record` as MessagePack.

gzip ends with a checksum, so a file that was cut or altered is noticed when it is read to its end.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from app.backup.copied_record import CHUNK, CopiedRecord
from app.errors import ParleyError

_LENGTH: Final = 4
#: gzip's fastest level.
_LEVEL: Final = 1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CopiedRecord).decode


class SegmentWriter:
    """Writes a file under a temporary name; it gets its own when it is complete and on the disk."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path
        self._temporary = path.with_suffix(".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._raw = self._temporary.open("wb")
        self._file = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=_LEVEL)

    def write(self, records: Sequence[CopiedRecord]) -> None:
        """Add records; blocks."""
        for record in records:
            encoded = _encode(record)
            self._file.write(len(encoded).to_bytes(_LENGTH, "big"))
            self._file.write(encoded)
        self.count += len(records)

    def finish(self) -> None:
        """Give the file its name when the disk has all of it; blocks."""
        self._file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the file."""
        self._raw.close()
        self._temporary.unlink()


def read_segment(path: Path, count: int) -> Iterator[list[CopiedRecord]]:
    """The records of a file, in chunks; blocks.

    Raises `ParleyError` where the file is missing or damaged, or has another number of records.
    """
    found = 0
    try:
        with gzip.open(path, "rb") as file:
            while chunk := [_decode(one) for one in _encoded(file, CHUNK)]:
                found += len(chunk)
                yield chunk
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError) as error:
        raise ParleyError(f"the backup's file {path} can't be read: {error}") from error
    if found != count:
        raise ParleyError(f"the backup's file {path} has {found} records instead of {count}")


def _encoded(file: gzip.GzipFile, most: int) -> Iterator[bytes]:
    for _ in range(most):
        length = file.read(_LENGTH)
        if not length:
            return
        encoded = file.read(int.from_bytes(length, "big"))
        if len(length) < _LENGTH or len(encoded) < int.from_bytes(length, "big"):
            raise EOFError("it ends within a record")
        yield encoded
