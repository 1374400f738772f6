"""How long a message takes through the pipeline at a steady rate.

From Kafka's append of the raw record, by the broker's clock, to its publish in Valkey, as a
subscriber on the same machine sees it. Kafka tells milliseconds, so a figure may be one too high.

Load and listener share a core with Kafka, so they do no more than they must meanwhile: commands
are made beforehand, and what was heard is decoded afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from app.delivery.connection import open_connection
from app.events import MessageCreated, decode_command, decode_log, encode
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import RAW, partition_of
from bench.corpus import texts
from bench.crowd import Crowd, Pair
from bench.stage import Placed, Stage

#: Seconds between two writes of the load.
_TICK = 0.004
_GRACE = 15.0


async def paced(
    there: Stage, crowd: Crowd, worker: Placed, rate: float, seconds: float
) -> list[int]:
    """Nanoseconds of each message's way, with `rate` messages written each second."""
    starts = await _ends(there.settings)
    count = round(rate * seconds)
    pairs = _pairs(there.settings, crowd, count)
    async with _listening(there.redis) as heard:
        await _write(there.settings, pairs, rate)
        deadline = time.monotonic() + _GRACE
        while len(heard) < count and worker.running and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    appended = await _appended(there.settings, starts)
    return [at - appended[attempt] for at, attempt in _messages(heard)]


def _pairs(settings: Settings, crowd: Crowd, count: int) -> list[Pair]:
    return [
        (partition_of(command.room, settings.partitions), command.room.encode(), encode(command))
        for command in crowd.saying(texts(), 0, count)
    ]


@asynccontextmanager
async def _listening(redis: Any) -> AsyncIterator[list[tuple[int, bytes]]]:
    """The times and the events of publishing: filled while this lasts."""
    heard: list[tuple[int, bytes]] = []

    def note(replies: Iterator[Any]) -> None:
        now = time.time_ns()
        heard.extend((now, reply[3]) for reply in replies if reply[0] == b"pmessage")

    wire = await open_connection(redis, note, lambda: None)
    try:
        wire.send("PSUBSCRIBE", "{p*}:live:*")
        yield heard
    finally:
        wire.close()


def _messages(heard: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, str]]:
    """When each message was published, and its attempt's id."""
    for at, data in heard:
        event = decode_log(data.split(b" ", 2)[2])
        if isinstance(event, MessageCreated):
            yield at, event.id


async def _write(settings: Settings, pairs: Sequence[Pair], rate: float) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    await producer.start()
    loop = asyncio.get_running_loop()
    began, written = loop.time(), 0
    try:
        while written < len(pairs):
            due = min(len(pairs), int((loop.time() - began) * rate) + 1)
            await _send(producer, pairs[written:due])
            written = due
            await asyncio.sleep(_TICK)
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, pairs: Sequence[Pair]) -> None:
    """Have each partition's records sent in one batch; they are sent when `stop` returns."""
    batches: dict[int, Any] = {}
    for partition, key, value in pairs:
        batch = batches.get(partition)
        if batch is None:
            batch = batches[partition] = producer.create_batch()
        batch.append(key=key, value=value, timestamp=None)
    for partition, batch in batches.items():
        await producer.send_batch(batch, RAW, partition=partition)


async def _ends(settings: Settings) -> list[int]:
    async with PartitionReader(settings) as reader:
        return [await reader.end(RAW, partition) for partition in range(settings.partitions)]


async def _appended(settings: Settings, starts: list[int]) -> dict[str, int]:
    """When Kafka appended each attempt, in nanoseconds."""
    found: dict[str, int] = {}
    async with PartitionReader(settings) as reader:
        for partition, start in enumerate(starts):
            async for record in reader.read(RAW, partition, start):
                found[decode_command(record.value).id] = record.timestamp * 1_000_000
    return found
