"""Erasure of what a user wanted to be notified of, and of where the user was called."""

from __future__ import annotations

from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.push.notify_directory import remove
from app.settings import Settings
from app.topics import NOTIFY, partition_of


async def forget_notify(settings: Settings, reader: PartitionReader, user: str) -> int:
    """Remove a user's levels and push subscriptions; how many there were.

    The records that Kafka has are replaced by tombstones, and go when it compacts the topic.
    """
    partition = partition_of(user, settings.partitions)
    own, under = user.encode(), f"{user}/".encode()
    there: dict[bytes, bool] = {}
    async for record in reader.read(NOTIFY, partition, 0):
        key = record.key or b""
        if key == own or key.startswith(under):
            there[key] = bool(record.value)
    standing = [key.decode() for key, stands in there.items() if stands]
    if standing:
        producer = new_producer(settings)
        await producer.start()
        try:
            for key in standing:
                await remove(producer, settings.partitions, key)
        finally:
            await producer.stop()
    return len(standing)
