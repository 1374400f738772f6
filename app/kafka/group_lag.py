"""How far a consumer group is behind: in records, and in seconds."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient

from app.kafka.admin import connected, group_offsets
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings

_SECONDS = 10.0


class Lag(NamedTuple):
    """A partition's next offset of a group and its end, and the age of the next record.

    `seconds` is 0 where nothing is left to read.
    """

    topic: str
    partition: int
    offset: int
    end: int
    seconds: float

    @property
    def records(self) -> int:
        """How many records the group has not taken yet."""
        return max(0, self.end - self.offset)


async def lag_of(settings: Settings, group: str, topics: Collection[str]) -> list[Lag]:
    """The lag of a group in each partition of the topics that it has committed.

    Raises `Unreachable`.
    """
    async with connected(settings, _SECONDS) as admin, PartitionReader(settings) as reader:
        return [one for one in await _lag(admin, reader, group) if one.topic in topics]


async def lags(settings: Settings) -> dict[str, list[Lag]]:
    """The lag of every group of the cluster that has committed anything; raises `Unreachable`."""
    async with connected(settings, _SECONDS) as admin, PartitionReader(settings) as reader:
        groups = sorted(name for name, _ in await admin.list_consumer_groups())
        found = {group: await _lag(admin, reader, group) for group in groups}
    return {group: lag for group, lag in found.items() if lag}


async def _lag(admin: AIOKafkaAdminClient, reader: PartitionReader, group: str) -> list[Lag]:
    committed = await group_offsets(admin, group)
    found: list[Lag] = []
    for place, known in sorted(committed.items()):
        if known.offset < 0:
            continue
        found.append(await lag_between(reader, place.topic, place.partition, known.offset))
    return found


async def lag_between(reader: PartitionReader, topic: str, partition: int, offset: int) -> Lag:
    """The lag of somebody who reads on from this offset of a partition."""
    end = await reader.end(topic, partition)
    seconds = 0.0
    if offset < end:
        first = await reader.first(topic, partition, offset)
        seconds = 0.0 if first is None else max(0.0, (now_ms() - first.timestamp) / 1000)
    return Lag(topic, partition, offset, end, seconds)
