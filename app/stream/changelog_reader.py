"""Reading tables' changelogs from Kafka straight into RocksDB."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from app.runtime.heartbeat import Heartbeat, heartbeat_of
from app.settings import Settings

log = structlog.get_logger()

#: Bytes of a partition that come at once, and records that are written at once: enough for the
#: round trips not to count, little enough for heartbeats to get their turn.
_FETCH = 1024 * 1024
_RECORDS = 2000


async def read_changelogs(
    settings: Settings,
    group: str,
    tables: Mapping[TP, Any],
    wanted: Mapping[TP, tuple[int, int | None]],
) -> None:
    """Bring a group's tables to the end of their changelogs.

    `wanted` has the first offset to read of each partition, and the one before which to end,
    which is today's end where it is `None`.
    Where it is cancelled, what was read is kept, and is not read again.
    """
    if not wanted:
        return
    began = time.monotonic()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=_FETCH,
    )
    await consumer.start()
    try:
        count = await _read(consumer, tables, wanted, heartbeat_of(group))
    finally:
        await consumer.stop()
    seconds = round(time.monotonic() - began, 2)
    log.info("tables recovered", group=group, records=count, seconds=seconds)


async def _read(
    consumer: AIOKafkaConsumer,
    tables: Mapping[TP, Any],
    wanted: Mapping[TP, tuple[int, int | None]],
    signs: Heartbeat,
) -> int:
    places = {TopicPartition(*place): end for place, (_, end) in wanted.items()}
    consumer.assign(list(places))
    today = await consumer.end_offsets([place for place, end in places.items() if end is None])
    ends = {place: today[place] if end is None else end for place, end in places.items()}
    for place, (start, _) in wanted.items():
        consumer.seek(TopicPartition(place.topic, place.partition), start)
    count = 0
    while ends:
        fetched = await consumer.getmany(*ends, timeout_ms=1000, max_records=_RECORDS)
        for place, records in fetched.items():
            tables[TP(place.topic, place.partition)].recover(place.partition, records)
            count += len(records)
            signs.beat()
        for place in list(ends):
            # Not by the records: compaction may have taken the last of them.
            if await consumer.position(place) >= ends[place]:
                del ends[place]
                consumer.pause(place)
    return count
