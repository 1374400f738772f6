"""How long a message takes through the pipeline at a steady rate.

From Kafka's append of the raw record, by the broker's clock, to its publish in Valkey, as a
subscriber on the same machine sees it. Kafka tells milliseconds, so a figure may be one too high.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from aiokafka import AIOKafkaProducer

from app.events import AnyCommand, MessageCreated, decode_command, decode_log, encode
from app.log_reader import LogReader
from app.settings import Settings
from app.topics import RAW, partition_of
from bench.corpus import texts
from bench.crowd import Crowd
from bench.stage import Placed, Stage

#: Seconds between two writes of the load.
_TICK = 0.004
_GRACE = 15.0


async def paced(
    there: Stage, crowd: Crowd, worker: Placed, rate: float, seconds: float
) -> list[int]:
    """Nanoseconds of each message's way, with `rate` messages written each second."""
    arrived: dict[str, int] = {}
    listening = there.redis.pubsub()
    await listening.psubscribe("{p*}:live:*")
    listener = asyncio.create_task(_listen(listening, arrived))
    starts = await _ends(there.settings)
    count = round(rate * seconds)
    try:
        await _write(there.settings, crowd.saying(texts(), 0, count), rate)
        deadline = time.monotonic() + _GRACE
        while len(arrived) < count and worker.running and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        listener.cancel()
        await listening.aclose()
    appended = await _appended(there.settings, starts)
    return [arrived[attempt] - appended[attempt] for attempt in arrived]


async def _listen(listening: object, arrived: dict[str, int]) -> None:
    async for message in listening.listen():  # type: ignore[attr-defined]
        if message["type"] == "pmessage":
            now = time.time_ns()
            event = decode_log(message["data"].split(b" ", 2)[2])
            if isinstance(event, MessageCreated):
                arrived[event.id] = now


async def _write(settings: Settings, commands: Iterator[AnyCommand], rate: float) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    await producer.start()
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        for index, command in enumerate(commands):
            if began + index / rate > loop.time():
                await asyncio.sleep(_TICK)
            partition = partition_of(command.room, settings.partitions)
            await producer.send(RAW, encode(command), command.room.encode(), partition)
    finally:
        await producer.stop()


async def _ends(settings: Settings) -> list[int]:
    async with LogReader(settings) as reader:
        return [await reader.end(RAW, partition) for partition in range(settings.partitions)]


async def _appended(settings: Settings, starts: list[int]) -> dict[str, int]:
    """When Kafka appended each attempt, in nanoseconds."""
    found: dict[str, int] = {}
    async with LogReader(settings) as reader:
        for partition, start in enumerate(starts):
            async for record in reader.read(RAW, partition, start):
                found[decode_command(record.value).id] = record.timestamp * 1_000_000
    return found
