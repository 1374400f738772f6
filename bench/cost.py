"""The cost of one message for the pipeline: processor time, and records in Kafka."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.operations.edge_client import EdgeClient
from app.settings import Settings
from bench.audience import OWNER
from bench.running import Running
from bench.spent import Spent

#: Under way at once.
AT_ONCE = 50
#: Seconds without another record after which the pipeline is taken to be through.
_QUIET = 1.5
#: Kafka's own topic: its records depend on time, not on messages.
_OFFSETS = "__consumer_offsets"


class Cost(NamedTuple):
    """Per message: the worker's milliseconds of processor time, and records, by topic too."""

    cpu_ms: float
    records: float
    topics: dict[str, float]


async def opened(posting: EdgeClient, size: int) -> str:
    """A room with that many members, of whom only its owner ever speaks."""
    room = f"members-{size}"
    await posting.post("/v1/rooms", OWNER, {"room": room, "client_id": "open"})
    gate = asyncio.Semaphore(AT_ONCE)

    async def add(index: int) -> None:
        async with gate:
            wish = {"user": f"member-{index}", "client_id": f"add-{index}"}
            await posting.post(f"/v1/rooms/{room}/members", OWNER, wish)

    await asyncio.gather(*(add(index) for index in range(size - 1)))
    return room


async def send(posting: EdgeClient, room: str, count: int, name: str) -> None:
    """Send `count` messages, `AT_ONCE` of them under way at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(index: int) -> None:
        async with gate:
            wish = {"text": f"message {index}", "client_id": f"{name}-{index}"}
            await posting.post(f"/v1/rooms/{room}/messages", OWNER, wish)

    await asyncio.gather(*(one(index) for index in range(count)))


async def measure(parley: Running, posting: EdgeClient, room: str, count: int, name: str) -> Cost:
    """The cost of each of `count` messages to the room."""
    before = await _settled(parley.settings)
    spent = Spent({"worker": parley.children["worker"].pid})
    await send(posting, room, count, name)
    taken, _ = spent.so_far()
    after = await _settled(parley.settings)
    topics = {
        topic: round((end - before.get(topic, 0)) / count, 2)
        for topic, end in after.items()
        if end > before.get(topic, 0)
    }
    cpu_ms = round(taken.get("worker", 0.0) * 1000 / count, 3)
    return Cost(cpu_ms, round(sum(topics.values()), 2), topics)


async def _settled(settings: Settings) -> dict[str, int]:
    """How many records each topic has had, once no more come."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)
    await consumer.start()
    try:
        ends = await _ends(consumer, settings.partitions)
        while True:
            await asyncio.sleep(_QUIET)
            now = await _ends(consumer, settings.partitions)
            if now == ends:
                return now
            ends = now
    finally:
        await consumer.stop()


async def _ends(consumer: AIOKafkaConsumer, partitions: int) -> dict[str, int]:
    topics = await consumer.topics() - {_OFFSETS}
    places = [TopicPartition(topic, i) for topic in topics for i in range(partitions)]
    ends: dict[str, int] = dict.fromkeys(topics, 0)
    for place, end in (await consumer.end_offsets(places)).items():
        ends[place.topic] += end
    return ends
