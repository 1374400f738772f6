"""Writing copies of records into the topics of another cluster, each once.

How far each partition was copied is noted as a commit of a group of its own: the copy's end as the
offset, and the original's next offset beside it. After an interruption, the records that the copy
has beyond its note are those that follow it in the original.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from app.backup.copied_record import CopiedRecord
from app.errors import ParleyError
from app.kafka.admin import connected, group_offsets
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.settings import Settings
from app.topics import LOG

#: The group whose commits are the notes.
NOTES: Final = "parley-copying"

#: Seconds to wait for the broker.
_WITHIN: Final = 30.0


#: Records between two notes.
_NOTE_EVERY: Final = 20_000


@dataclass
class _Place:
    """A partition: the original's offset from which copying goes on, and the copy's end.

    `skip` records from there on are copied already; `unnoted` have been since the last note.
    """

    start: int
    end: int
    skip: int = 0
    unnoted: int = 0


class TopicWriter:
    """Copies from one `source`, a word that names it. `async with TopicWriter(…) as writer: …`"""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings = settings
        self._source = source
        self._producer = new_producer(settings)
        self._noting = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap, group_id=NOTES, enable_auto_commit=False
        )
        self._reader = PartitionReader(settings)
        self._notes: dict[TopicPartition, OffsetAndMetadata] = {}
        self._places: dict[TopicPartition, _Place] = {}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._producer)
            await stack.enter_async_context(self._noting)
            await stack.enter_async_context(self._reader)
            connecting = connected(self._settings, _WITHIN)
            self._admin = await stack.enter_async_context(connecting)
            self._notes = await group_offsets(self._admin, NOTES)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    @property
    def begun(self) -> set[str]:
        """The topics of which a copy has begun."""
        return {place.topic for place, note in self._notes.items() if note.offset >= 0}

    async def resume(self, topic: str, partition: int, first: int) -> int:
        """The offset to read a partition from; `first` is that of its first record.

        Raises `ParleyError` where the topic has records that no copy from this source has put
        there.
        """
        place = TopicPartition(topic, partition)
        known = self._places[place] = _Place(first, await self._reader.end(topic, partition))
        note = self._notes.get(place)
        if note is None or note.offset < 0:
            if known.end:
                raise ParleyError(
                    f"the topic {topic} at {self._settings.broker} has records already: copy into"
                    " a cluster that has no topics of Parley"
                )
            if first and topic == LOG:
                await self._begin_behind_the_first(place)
            await self.note(topic, partition, first)
            return first
        start, _, source = note.metadata.partition(" ")
        if source != self._source:
            raise ParleyError(
                f"a copy from another source ({source}) has begun at {self._settings.broker}:"
                " finish it, or delete the topics of Parley there"
            )
        known.start, known.skip = int(start), known.end - note.offset
        return known.start

    async def append(self, topic: str, partition: int, records: Sequence[CopiedRecord]) -> int:
        """Write those of the next records that the copy lacks; how many.

        To be called after `resume`, with the records in their order. Kafka has them then.
        """
        known = self._places[TopicPartition(topic, partition)]
        beyond = [record for record in records if record.offset >= known.start]
        new, known.skip = beyond[known.skip :], max(0, known.skip - len(beyond))
        if new:
            await self._write(topic, partition, new)
        known.unnoted += len(new)
        if known.unnoted >= _NOTE_EVERY:
            await self.note(topic, partition, new[-1].offset + 1)
        return len(new)

    async def _write(self, topic: str, partition: int, records: Sequence[CopiedRecord]) -> None:
        sent = [
            await self._producer.send(
                topic,
                record.value,
                key=record.key,
                partition=partition,
                timestamp_ms=record.timestamp_ms,
                headers=list(record.headers),
            )
            for record in records
        ]
        for one in await asyncio.gather(*sent):
            self._places[TopicPartition(topic, partition)].end = one.offset + 1

    async def note(self, topic: str, partition: int, start: int) -> None:
        """Note that the original's records before the offset `start` are copied."""
        place = TopicPartition(topic, partition)
        known, metadata = self._places[place], f"{start} {self._source}"
        self._noting.assign([place])
        await self._noting.commit({place: OffsetAndMetadata(known.end, metadata)})
        known.start, known.skip, known.unnoted = start, 0, 0

    async def _begin_behind_the_first(self, place: TopicPartition) -> None:
        """Let the copy of a shortened log begin behind offset 0.

        A log that begins with it counts as complete, and its first events are the first of rooms.
        """
        written = await self._producer.send_and_wait(
            place.topic, None, key=b"", partition=place.partition
        )
        end = self._places[place].end = written.offset + 1
        await self._admin.delete_records({place: RecordsToDelete(before_offset=end)})
