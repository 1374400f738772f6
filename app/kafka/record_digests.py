"""Digests of records, to tell whether a topic still has the record that it had at an offset."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.errors import Unreachable
from app.settings import Settings

#: Bytes that are fetched of a partition to see one record; Kafka sends a larger one whole.
_FETCH_BYTES: Final = 4096

#: Seconds for which Kafka may not answer.
_PATIENCE: Final = 30.0


def digest(key: bytes, value: bytes) -> int:
    """A digest of a record."""
    return crc32(value, crc32(key))


def digest_of(record: Any) -> int:
    """The digest of a record as Kafka gives it: an absent key or value counts as empty."""
    return digest(record.key or b"", record.value or b"")


def new_consumer(settings: Settings) -> AIOKafkaConsumer:
    """A consumer that fetches single records of many partitions."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )


async def digests_at(
    consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int | None]:
    """The digest of the record at each offset; `None` where there is none.

    Each offset must be below the end of its partition. Raises `Unreachable`.
    """
    missing = set(offsets)
    if not missing:
        return {}
    consumer.assign(list(missing))
    for place, offset in offsets.items():
        consumer.seek(place, offset)
    found: dict[TopicPartition, int | None] = {}
    try:
        async with asyncio.timeout(_PATIENCE):
            while missing:
                fetched = await consumer.getmany(*missing, timeout_ms=1_000, max_records=1)
                for place, (record, *_) in fetched.items():
                    same = record.offset == offsets[place]
                    found[place] = digest_of(record) if same else None
                    missing.discard(place)
                    consumer.pause(place)
    except TimeoutError:
        raise Unreachable(f"Kafka does not give the records at {missing}") from None
    return found
