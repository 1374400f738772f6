"""What `chat.deliveries` says of calls that a browser or device did not get."""

from __future__ import annotations

from app.events import PushFailed, encode
from app.push.notify_directory import Producer
from app.topics import DELIVERIES, partition_of


async def report(producer: Producer, partitions: int, failed: PushFailed) -> None:
    """Write it; returns when Kafka has it. The newest one of a push subscription is kept."""
    key = f"push/{failed.user}/{failed.push}".encode()
    partition = partition_of(failed.user, partitions)
    await producer.send_and_wait(DELIVERIES, encode(failed), key=key, partition=partition)
