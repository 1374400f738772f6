"""Reading a partition of a topic from one offset to its end, outside any consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.kafka.patch_header_keys import accept_any_header_key
from app.runtime.heartbeat import GROUP, heartbeat_of
from app.settings import Settings


class PartitionReader:
    """A consumer without a group: reads where it is told to and commits nothing.

    One reading at a time. `async with PartitionReader(settings) as reader: …`
    """

    def __init__(self, settings: Settings) -> None:
        accept_any_header_key()  # for commands, which have no other consumer
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap,
            enable_auto_commit=False,
            # Where retention has taken the beginning, a reading begins behind that, not at the end.
            auto_offset_reset="earliest",
            # What is read is there already. The default of 500 ms would be waited for at the end
            # of one partition before the next is begun.
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
        """The offset that the partition's next record will get."""
        place = TopicPartition(topic, partition)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets([place])
        return ends[place]

    async def ends(self, topic: str, partitions: int) -> list[int]:
        """The offsets that the next records of all partitions will get."""
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(places)
        return [found[place] for place in places]

    async def since(self, topic: str, partition: int, at_ms: int) -> int:
        """The offset of the first record of that time or later; of the next one where none is."""
        place = TopicPartition(topic, partition)
        found = (await self._consumer.offsets_for_times({place: at_ms}))[place]
        return await self.end(topic, partition) if found is None else int(found.offset)

    async def read(
        self, topic: str, partition: int, start: int, end: int | None = None
    ) -> AsyncIterator[Any]:
        """The partition's records from `start` up to, without, `end`; by default today's end."""
        stop = await self.end(topic, partition) if end is None else end
        if start >= stop:
            return
        place = TopicPartition(topic, partition)
        self._consumer.assign([place])
        self._consumer.seek(place, start)
        while await self._consumer.position(place) < stop:
            fetched = await self._consumer.getmany(place, timeout_ms=1000)
            heartbeat_of(
                GROUP.get()
            ).beat()  # an agent may read for minutes before its batch is done
            for record in fetched.get(place, ()):
                if record.offset < stop:
                    yield record
