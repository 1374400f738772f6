"""Who is forgotten: a compacted topic, so that nothing brings back what was erased."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from app.errors import Malformed
from app.events import (
    AnyLogEvent,
    Erasure,
    MessageCreated,
    MessageEdited,
    decode_erasure,
    encode,
)
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import ERASURES, partition_of

Erased = Mapping[str, int]


async def read_erasures(settings: Settings, reader: PartitionReader) -> dict[str, int]:
    """Everybody who is forgotten, each with the time up to which, in milliseconds."""
    found: dict[str, int] = {}
    for partition in range(settings.partitions):
        async for record in reader.read(ERASURES, partition, 0):
            try:
                erasure = decode_erasure(record.value)
            except Malformed:
                continue
            found[erasure.user] = max(erasure.until_ms, found.get(erasure.user, 0))
    return found


async def note(settings: Settings, user: str, until_ms: int) -> None:
    """Have it in Kafka that somebody is forgotten."""
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


def without(event: AnyLogEvent, read_erasures: Erased, gone: set[tuple[str, int]]) -> AnyLogEvent:
    """The event without what somebody said who is forgotten.

    `gone` are the messages (room, seq) of theirs that came before: whoever edits one, the text
    goes. Those that this meets are added.
    """
    if isinstance(event, MessageCreated) and event.at_ms <= read_erasures.get(event.by, -1):
        gone.add((event.room, event.seq))
        nothing = {"text": "", "attachments": (), "meta": {}, "mentions": (), "everyone": False}
        nothing |= {"shadow": None}
        return replace(event, by="", client_id="", deleted=True, **nothing)
    if isinstance(event, MessageEdited) and (event.room, event.seq) in gone:
        return replace(event, client_id="", text="", mentions=(), shadow=None)
    return event
