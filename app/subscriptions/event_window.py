"""The events of the partitions of this worker: the newest in memory, earlier ones from Kafka.

All subscriptions read through one window. Those that follow the log share each event as it comes,
and those that are behind in the same part of it share what was read of Kafka.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from app.deployment.log_reader import LogReader
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.subscriptions.source_events import SourceEvent, source_event

#: Events of a partition that are in memory, and those that are read of Kafka at once.
RECENT: Final = 2_000
PIECE: Final = 512

#: Bytes of the pieces that are kept.
PIECES_BYTES: Final = 64 * 1024 * 1024

_offset = attrgetter("offset")


class Source(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class EventWindow:
    """Events by partition and offset; `origin` tells that of a partition's offsets."""

    def __init__(self, settings: Settings, origin: Callable[[str, int], int]) -> None:
        self._settings = settings
        self._origin_of = origin
        self._reader: PartitionReader | None = None
        self._reading = asyncio.Lock()
        self._recent: dict[Source, list[SourceEvent]] = {}
        #: By partition: the offset of the next record.
        self._ends: dict[Source, int] = {}
        self._pieces: OrderedDict[tuple[Source, int], Sequence[SourceEvent]] = OrderedDict()
        self._bytes = 0

    def origin(self, source: Source) -> int:
        """The origin of the partition's offsets."""
        return self._origin_of(*source)

    async def begin(self, source: Source) -> None:
        """Follow a partition from its end of now."""
        async with self._reading:
            self._ends[source] = await (await self._kafka()).end(*source)
        self._recent[source] = []

    async def look(self, sources: Collection[Source]) -> None:
        """Ask for the ends of partitions that no stream is appended to; raises `KafkaError`."""
        by_topic: dict[str, list[int]] = {}
        async with self._reading:
            reader = await self._kafka()
            for topic in {source.topic for source in sources}:
                by_topic[topic] = await reader.ends(topic, self._settings.partitions)
        for source in sources:
            self._ends[source] = by_topic[source.topic][source.partition]

    def end(self, source: Source) -> int:
        """The offset of the partition's next record, as far as it is known here."""
        return self._ends[source]

    def last(self, source: Source) -> SourceEvent | None:
        """The newest event of the stream; `None` where none has come yet."""
        recent = self._recent[source]
        return recent[-1] if recent else None

    def follows(self, source: Source) -> bool:
        """Whether the partition is followed."""
        return source in self._ends

    def drop(self, source: Source) -> None:
        """Forget a partition, which belongs to another worker now."""
        self._ends.pop(source, None)
        self._recent.pop(source, None)
        for piece in [one for one in self._pieces if one[0] == source]:
            self._bytes -= _size(self._pieces.pop(piece))

    async def stop(self) -> None:
        """Close the connection to Kafka."""
        if self._reader is not None:
            await self._reader.__aexit__(None, None, None)

    def append(self, record: Any) -> SourceEvent | None:
        """Add a record of the stream; `None` where it was known."""
        source = Source(record.topic, record.partition)
        end = self._ends[source]
        if record.offset < end:
            return None
        recent = self._recent[source]
        if record.offset > end:
            # What lies between was not seen, so what is in memory has a gap.
            recent.clear()
        event = source_event(record, self.origin(source))
        recent.append(event)
        if len(recent) >= 2 * RECENT:
            del recent[:-RECENT]
        self._ends[source] = record.offset + 1
        return event

    async def read(self, source: Source, offset: int) -> Sequence[SourceEvent]:
        """Events from an offset on, some at a time; none where the partition ends there.

        Raises `KafkaError`.
        """
        recent = self._recent[source]
        if recent and offset >= recent[0].offset:
            return recent[bisect_left(recent, offset, key=_offset) :]
        while offset < self._ends[source]:
            piece = await self._piece(source, offset)
            found = piece[bisect_left(piece, offset, key=_offset) :]
            if found:
                return found
            offset = (offset // PIECE + 1) * PIECE
        return ()

    async def at(self, source: Source, offset: int) -> SourceEvent | None:
        """The event of an offset; `None` where Kafka no longer has it."""
        found = await self.read(source, offset)
        return found[0] if found and found[0].offset == offset else None

    async def offset_since(self, source: Source, at_ms: int) -> int:
        """The offset of the first record of that time or later, or else of the next record."""
        async with self._reading:
            return await (await self._kafka()).since(*source, at_ms)

    async def with_reader(self, use: Callable[[PartitionReader], Any]) -> Any:
        """What a function returns that reads by the window's own reader."""
        async with self._reading:
            return await use(await self._kafka())

    async def _piece(self, source: Source, offset: int) -> Sequence[SourceEvent]:
        number = offset // PIECE
        if (known := self._pieces.get((source, number))) is not None:
            self._pieces.move_to_end((source, number))
            return known
        async with self._reading:
            if (known := self._pieces.get((source, number))) is not None:
                return known
            reader, origin = await self._kafka(), self.origin(source)
            start, end = number * PIECE, self._ends[source]
            stop = min(start + PIECE, end)
            if stop < start + PIECE:
                # The last piece is not kept, so only what is asked for is read.
                start = offset
            piece = [
                source_event(record, origin)
                async for record in reader.read(source.topic, source.partition, start, stop)
            ]
        if stop == (number + 1) * PIECE:
            self._pieces[source, number] = piece
            self._bytes += _size(piece)
            while self._bytes > PIECES_BYTES:
                self._bytes -= _size(self._pieces.popitem(last=False)[1])
        return piece

    async def _kafka(self) -> PartitionReader:
        if self._reader is None:
            reader = LogReader(self._settings)
            await reader.__aenter__()
            self._reader = reader
        return self._reader


def _size(piece: Sequence[SourceEvent]) -> int:
    return sum(len(event.body) + 200 for event in piece)
