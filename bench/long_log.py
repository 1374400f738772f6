"""A long `chat.log`, written straight into Kafka, with nothing behind it left to do.

Its events do not pass a worker, which would take hours for ten million. Every reader of the log
is told that it has them all: the groups by their offsets, Valkey by its positions, the tables by
their progress. So the log is long, and tables, window and history are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.delivery import keys
from app.domain.records import LOG_PROGRESS, Progress
from app.domain.versioned_value import wrap
from app.events import MessageCreated, encode
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, changelog
from bench.crowd import Pair, write_pairs
from bench.stage import Stage

#: The groups that read the log.
_READERS = ("parley-fan_out", "parley-archive")
_TEXT = "what was said long ago, in a room that nobody has entered since, about nothing much"


async def lengthened(there: Stage, count: int) -> Stage:
    """Append `count` events to the log; the result is the stage, without them in its history.

    No worker may run meanwhile. About 300 bytes an event on the broker's disk.
    """
    settings = there.settings
    await write_pairs(settings, LOG, _events(count, settings.partitions))
    async with PartitionReader(settings) as reader:
        ends = [await reader.end(LOG, partition) for partition in range(settings.partitions)]
    for group in _READERS:
        await _commit(settings, group, ends)
    await there.redis.mset({keys.position(p): end - 1 for p, end in enumerate(ends)})
    topic = changelog("parley-pipeline", "progress").name
    await write_pairs(settings, topic, _progress(ends))
    return replace(there, unarchived=there.unarchived + count)


def _events(count: int, partitions: int) -> Iterator[Pair]:
    for index in range(count):
        partition, n = index % partitions, index // partitions + 1
        room = f"long-ago-{partition}"
        event = MessageCreated(
            id=f"{index:036}",
            client_id=f"{index}",
            room=room,
            n=n,
            seq=n,
            by="somebody",
            at_ms=1,
            text=_TEXT,
        )
        yield partition, room.encode(), encode(event)


def _progress(ends: list[int]) -> Iterator[Pair]:
    for partition, end in enumerate(ends):
        value = msgspec.msgpack.encode(Progress(end - 1))
        yield partition, LOG_PROGRESS.encode(), wrap(end - 1, value)


async def _commit(settings: Settings, group: str, ends: list[int]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = {TopicPartition(LOG, partition): end for partition, end in enumerate(ends)}
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()
