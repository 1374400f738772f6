"""What `chat.deliveries` says of subscriptions: how far they are, and what was given up."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import Malformed
from app.events import (
    DeliveryFailed,
    OfSubscription,
    PushFailed,
    SendAgain,
    decode_delivery,
    encode,
)
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.stream.groups import SUBSCRIPTIONS
from app.subscriptions.declarations import Producer
from app.topics import DELIVERIES, retry_topic


async def delivery_records(settings: Settings, subscription: str = "") -> list[OfSubscription]:
    """The newest record of each key, of one subscription or of all, by time."""
    found: dict[bytes, OfSubscription | None] = {}
    start = f"{subscription}/".encode() if subscription else b""
    async with PartitionReader(settings) as reader:
        for partition in range(settings.partitions):
            async for record in reader.read(DELIVERIES, partition, 0):
                key = record.key or b""
                if not key.startswith(start):
                    continue
                try:
                    said = decode_delivery(record.value) if record.value else None
                except Malformed:
                    continue
                if not isinstance(said, PushFailed):
                    found[key] = said
    return sorted((one for one in found.values() if one is not None), key=lambda one: one.at_ms)


async def send_again(producer: Producer, failures: Sequence[DeliveryFailed]) -> None:
    """Have events that were given up be sent again."""
    topic = retry_topic(SUBSCRIPTIONS.id).name
    for failed in failures:
        wanted = SendAgain(
            subscription=failed.subscription,
            topic=failed.topic,
            partition=failed.partition,
            epoch=failed.epoch,
            pos=failed.pos,
            offset=failed.offset,
        )
        name = failed.subscription.encode()
        await producer.send_and_wait(topic, encode(wanted), key=name, partition=failed.partition)
