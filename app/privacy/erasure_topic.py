"""`chat.erasures`: who is forgotten. It is compacted, so no rebuild brings erased words back."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from app.deployment.topic import read_deployment
from app.domain.erasure import Extent, extents
from app.errors import Malformed
from app.events import Erasure, decode_erasure, encode
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import ERASURES, partition_of


async def read_erasures(settings: Settings, reader: PartitionReader) -> dict[str, Extent]:
    """Every forgotten user, each with the extent of the erasure in the log as it is now."""
    deployment = await read_deployment(reader)
    found: list[tuple[str, Extent]] = []
    for partition in range(settings.partitions):
        async for record in reader.read(ERASURES, partition, 0):
            try:
                erasure = decode_erasure(record.value)
            except Malformed:
                continue
            until_ms = -1 if erasure.ends else erasure.until_ms
            ends = deployment.erased(erasure)
            found.append((erasure.user, Extent(until_ms, ends, erasure.until_ms)))
    return extents(found)


async def write_erasure(settings: Settings, erasure: Erasure) -> None:
    """Write to Kafka that these words of a user are erased."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(
            ERASURES,
            encode(erasure),
            key=erasure.user.encode(),
            partition=partition_of(erasure.user, settings.partitions),
        )
    finally:
        await producer.stop()
