"""A backup in a folder: the records of each partition in files, and `manifest.json`.

The manifest is written last. Files that it does not name are of a backup that was interrupted.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from app.backup.copied_record import CopiedRecord
from app.backup.copied_topics import KEPT
from app.backup.segment_file import read_segment
from app.errors import ParleyError
from app.topics import MODERATED, RAW

_MANIFEST: Final = "manifest.json"

#: Each has a folder of its own.
_TOPICS: Final = (*KEPT, RAW, MODERATED)

FORMAT: Final = 1


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A file with `count` records; `file` is relative to the folder."""

    file: str
    count: int


class CopiedPartition(msgspec.Struct, kw_only=True):
    """What the backup has of a partition.

    `first` is the offset at which the partition began, `next` the one to go on from, `last` the
    offset and `digest` the digest of the newest record that was read. `epoch` and `pos` are the
    position of the last event of a partition of the log.
    """

    topic: str
    partition: int
    first: int
    next: int
    last: int = -1
    digest: int = 0
    epoch: int = 0
    pos: int = -1
    segments: list[Segment] = []


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """Commands of a partition that were on their way when the backup was made.

    `origin` is that of their offsets.
    """

    topic: str
    partition: int
    origin: int
    segment: Segment


class Manifest(msgspec.Struct, kw_only=True):
    """What a backup has. `at_ms` is the time at which it was begun: it has all from before."""

    deployment: str
    partitions: int
    at_ms: int
    format: int = FORMAT
    places: list[CopiedPartition] = []
    pending: list[Pending] = []

    def place(self, topic: str, partition: int) -> CopiedPartition | None:
        """What there is of a partition; `None` for nothing."""
        same = (one for one in self.places if (one.topic, one.partition) == (topic, partition))
        return next(same, None)

    @property
    def count(self) -> int:
        """The number of records."""
        found = sum(segment.count for place in self.places for segment in place.segments)
        return found + sum(one.segment.count for one in self.pending)


class BackupFolder:
    """A folder with a backup, or for one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def manifest(self) -> Manifest | None:
        """The manifest; `None` where the folder has none.

        Raises `ParleyError` where it can't be read, or is of a later release.
        """
        path = self.path / _MANIFEST
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ParleyError(f"{path} can't be read: {error}") from error
        try:
            found = msgspec.json.decode(raw, type=Manifest)
        except msgspec.MsgspecError as error:
            raise ParleyError(f"{path} is not the manifest of a backup: {error}") from error
        if found.format != FORMAT:
            raise ParleyError(
                f"{path} has the format {found.format}, and this release reads {FORMAT}:"
                " use the release that made the backup"
            )
        return found

    def existing(self) -> Manifest:
        """The manifest; raises `ParleyError` where there is no backup."""
        if (found := self.manifest()) is None:
            raise ParleyError(f"{self.path} has no backup: {_MANIFEST} is missing")
        return found

    def require_files(self, manifest: Manifest) -> None:
        """Raise `ParleyError` where a file is missing or empty; `read_segment` sees more."""
        for segment in self.segments(manifest):
            path = self.path / segment.file
            if not path.is_file() or not path.stat().st_size:
                raise ParleyError(
                    f"the backup's file {path} is missing or empty: choose another folder"
                )

    def require_own(self) -> None:
        """Raise `ParleyError` where the folder has no backup, and files of something else."""
        if not self.path.is_dir() or self.manifest() is not None:
            return
        ours = {*_TOPICS, f"{_MANIFEST}.part"}
        others = sorted(each.name for each in self.path.iterdir() if each.name not in ours)
        if others:
            raise ParleyError(
                f"{self.path} has no backup, and other files ({others[0]}): choose an empty folder"
            )

    def write(self, manifest: Manifest) -> None:
        """Replace the manifest, and remove a backup's files that it does not name."""
        temporary = self.path / f"{_MANIFEST}.part"
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest)))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / _MANIFEST)
        kept = {self.path / one.segment.file for one in manifest.pending}
        kept |= {self.path / each.file for place in manifest.places for each in place.segments}
        for topic in _TOPICS:
            for path in (self.path / topic).glob("*.*"):
                if path.suffix in {".gz", ".part"} and path not in kept:
                    path.unlink()

    async def chunks(self, segment: Segment) -> AsyncIterator[list[CopiedRecord]]:
        """The records of a file. Raises as `read_segment`."""
        reading = read_segment(self.path / segment.file, segment.count)
        while (chunk := await asyncio.to_thread(next, reading, None)) is not None:
            yield chunk

    def segments(self, manifest: Manifest) -> Iterator[Segment]:
        """All files of the backup."""
        for place in manifest.places:
            yield from place.segments
        for one in manifest.pending:
            yield one.segment


def segment_file(topic: str, partition: int, start: int, suffix: Any = "") -> str:
    """The name of a file, relative to the folder: `topic/partition-offset.gz`."""
    return f"{topic}/{partition}-{start:018d}{suffix}.gz"
