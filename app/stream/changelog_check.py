"""Checking a table's RocksDB against its changelog: is that the one which it was written from?

RocksDB stands at an offset of the changelog. The changelog may have been made anew, be that of
another cluster, or have lost its end and grown again. Then RocksDB has values that are no part of
it, and lacks others. So RocksDB keeps a digest of the record at its offset.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from app.errors import Unreachable
from app.settings import Settings
from app.stream.commit_marks import digest
from app.stream.rocksdb_store import ChangelogMark

#: Bytes that are fetched of a partition to see one record; Kafka sends a larger one whole.
_FETCH_BYTES: Final = 4096

#: Seconds for which Kafka may not answer.
_PATIENCE: Final = 30.0


def digest_of(record: Any) -> int:
    """The digest of a changelog record."""
    return digest(record.key or b"", record.value or b"")


async def others(settings: Settings, marks: Mapping[TP, ChangelogMark]) -> set[TP]:
    """The changelogs that have another record at the offset of their mark, or none.

    There is none where compaction has removed it: then nothing tells the two apart. Each offset
    must be below the changelog's end. Raises `Unreachable`.
    """
    if not marks:
        return set()
    missing = {TopicPartition(*place): mark for place, mark in marks.items()}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    await consumer.start()
    found: set[TP] = set()
    try:
        consumer.assign(list(missing))
        for place, mark in missing.items():
            consumer.seek(place, mark.offset)
        async with asyncio.timeout(_PATIENCE):
            while missing:
                fetched = await consumer.getmany(*missing, timeout_ms=1_000, max_records=1)
                for place, (record, *_) in fetched.items():
                    mark = missing.pop(place)
                    consumer.pause(place)
                    if (record.offset, digest_of(record)) != mark:
                        found.add(TP(*place))
    except TimeoutError:
        raise Unreachable(f"Kafka does not give the records at {missing}") from None
    finally:
        await consumer.stop()
    return found
