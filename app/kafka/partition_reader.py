"""Reading a partition of a topic from an offset to its end, outside any consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.kafka.patch_header_keys import accept_any_header_key
from app.runtime.heartbeat import GROUP, heartbeat_of
from app.settings import Settings

#: Records that are unpacked at once: a whole fetch would block the event loop for too long.
_MAX_RECORDS = 1000


class PartitionReader:
    """A consumer without a group, which commits nothing: one reading at a time.

    `async with PartitionReader(settings) as reader: …`
    """

    def __init__(self, settings: Settings) -> None:
        accept_any_header_key()  # for commands, which have no other consumer
        self.partitions = settings.partitions
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap,
            enable_auto_commit=False,
            # If retention has dropped the first records, a reading begins behind them.
            auto_offset_reset="earliest",
            # The records are there already. With the default of 500 ms the end of each partition
            # would cost that wait.
            fetch_max_wait_ms=10,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def end(self, topic: str, partition: int) -> int:
        """The offset of the partition's next record."""
        place = TopicPartition(topic, partition)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets([place])
        return ends[place]

    async def begin(self, topic: str, partition: int) -> int:
        """The offset of the partition's first record, which retention moves."""
        place = TopicPartition(topic, partition)
        found: dict[TopicPartition, int] = await self._consumer.beginning_offsets([place])
        return found[place]

    async def ends(self, topic: str, partitions: int) -> list[int]:
        """The offsets of the next records of all partitions."""
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(places)
        return [found[place] for place in places]

    async def since(self, topic: str, partition: int, at_ms: int) -> int:
        """The offset of the first record of that time or later, or else of the next record."""
        place = TopicPartition(topic, partition)
        found = (await self._consumer.offsets_for_times({place: at_ms}))[place]
        return await self.end(topic, partition) if found is None else int(found.offset)

    async def first(self, topic: str, partition: int, start: int) -> Any | None:
        """The first record from offset `start` on; `None` where there is none."""
        async for record in self.read(topic, partition, start):
            return record
        return None

    async def read(
        self, topic: str, partition: int, start: int, end: int | None = None
    ) -> AsyncIterator[Any]:
        """The records from offset `start` to before `end`, by default the end of today."""
        stop = await self.end(topic, partition) if end is None else end
        if start >= stop:
            return
        place = TopicPartition(topic, partition)
        self._consumer.assign([place])
        self._consumer.seek(place, start)
        while await self._consumer.position(place) < stop:
            fetched = await self._consumer.getmany(place, timeout_ms=1000, max_records=_MAX_RECORDS)
            # An agent may read for minutes before its batch is finished.
            heartbeat_of(GROUP.get()).beat()
            for record in fetched.get(place, ()):
                if record.offset < stop:
                    yield record
