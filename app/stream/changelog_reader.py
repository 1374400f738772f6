"""Reading the changelogs of tables from Kafka into RocksDB."""

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

#: Bytes that a fetch brings of a partition, and records that are written at once: enough that round
#: trips don't count, few enough that heartbeats to Kafka are not delayed.
_FETCH_BYTES = 1024 * 1024
_MAX_RECORDS = 2000


async def read_changelogs(
    settings: Settings,
    group: str,
    tables: Mapping[TP, Any],
    wanted: Mapping[TP, tuple[int, int | None]],
) -> None:
    """Bring a group's tables to the end of their changelogs.

    `wanted` has the first offset to read of each partition and the offset to end before; `None`:
    the end of today. What a cancelled call has read is stored, and is not read again.
    """
    if not wanted:
        return
    began = time.monotonic()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=_FETCH_BYTES,
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
    heartbeat: Heartbeat,
) -> int:
    given = {TopicPartition(*place): end for place, (_, end) in wanted.items()}
    consumer.assign(list(given))
    today = await consumer.end_offsets([place for place, end in given.items() if end is None])
    ends = {place: today[place] if end is None else end for place, end in given.items()}
    for place, (start, _) in wanted.items():
        consumer.seek(TopicPartition(place.topic, place.partition), start)
    count = 0
    while ends:
        fetched = await consumer.getmany(*ends, timeout_ms=1000, max_records=_MAX_RECORDS)
        for place, records in fetched.items():
            tables[TP(place.topic, place.partition)].recover(place.partition, records)
            count += len(records)
            heartbeat.beat()
        for place in list(ends):
            # By position, not by the records: compaction may have removed the last of them.
            if await consumer.position(place) >= ends[place]:
                del ends[place]
                consumer.pause(place)
    return count
