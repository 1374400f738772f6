"""Checking a table's RocksDB against its changelog: is that the one which it was written from?

RocksDB stands at an offset of the changelog. The changelog may have been made anew, be that of
another cluster, or have lost its end and grown again. Then RocksDB has values that are no part of
it, and lacks others. So RocksDB keeps a digest of the record at its offset.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import TopicPartition
from faust.types import TP

from app.kafka.record_digests import digests_at, new_consumer
from app.settings import Settings
from app.stream.rocksdb_store import ChangelogMark


async def others(settings: Settings, marks: Mapping[TP, ChangelogMark]) -> set[TP]:
    """The changelogs that have another record at the offset of their mark, or none.

    There is none where compaction has removed it: then nothing tells the two apart. Each offset
    must be below the changelog's end. Raises `Unreachable`.
    """
    if not marks:
        return set()
    consumer = new_consumer(settings)
    await consumer.start()
    try:
        offsets = {TopicPartition(*place): mark.offset for place, mark in marks.items()}
        found = await digests_at(consumer, offsets)
    finally:
        await consumer.stop()
    return {TP(*place) for place, there in found.items() if there != marks[TP(*place)].digest}
