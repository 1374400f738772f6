"""`chat.erasures`: who is forgotten. It is compacted, so no rebuild brings erased words back."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from app.errors import Malformed
from app.events import Erasure, decode_erasure, encode
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import ERASURES, partition_of


async def read_erasures(settings: Settings, reader: PartitionReader) -> dict[str, int]:
    """Every forgotten user, each with the time up to which, in milliseconds."""
    found: dict[str, int] = {}
    for partition in range(settings.partitions):
        async for record in reader.read(ERASURES, partition, 0):
            try:
                erasure = decode_erasure(record.value)
            except Malformed:
                continue
            found[erasure.user] = max(erasure.until_ms, found.get(erasure.user, 0))
    return found


async def write_erasure(settings: Settings, user: str, until_ms: int) -> None:
    """Write to Kafka that the user's words up to `until_ms` are erased."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(
            ERASURES,
            encode(Erasure(user=user, until_ms=until_ms)),
            key=user.encode(),
            partition=partition_of(user, settings.partitions),
        )
    finally:
        await producer.stop()
