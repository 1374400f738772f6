"""What an accident does to a topic: it is made anew, or has lost its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.kafka.admin import connected, partition_counts, provision
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import Topic
from tests.support.chat import until


async def make_anew(settings: Settings, topic: Topic) -> None:
    """Delete the topic and create it again, empty."""
    async with connected(settings, 30) as admin:
        await admin.delete_topics([topic.name])

        async def is_gone() -> bool:
            return topic.name not in await partition_counts(admin)

        await until(is_gone)
    await provision(settings, [topic])


async def cut(settings: Settings, topic: Topic, ends: dict[int, int]) -> None:
    """Let each of these partitions end before the given offset, with other partitions as they are.

    As after a power cut or an unclean election, nobody is told.
    """
    kept = []
    async with PartitionReader(settings) as reader:
        for partition in range(settings.partitions):
            end = ends.get(partition)
            kept += [record async for record in reader.read(topic.name, partition, 0, end)]
    await make_anew(settings, topic)
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    await producer.start()
    try:
        for record in kept:
            await producer.send_and_wait(
                topic.name,
                record.value,
                key=record.key,
                partition=record.partition,
                timestamp_ms=record.timestamp,
                headers=list(record.headers),
            )
    finally:
        await producer.stop()


@asynccontextmanager
async def commits_kept(settings: Settings, group: str, topic: Topic) -> AsyncIterator[None]:
    """Let the group's commits outlive the topic, as where its end alone is lost.

    Kafka drops them with a topic that is deleted.
    """
    async with connected(settings, 30) as admin:
        known = await admin.list_consumer_group_offsets(group)
    yield
    commits = {place: known[place] for place in known if place.topic == topic.name}
    assert commits, f"{group} has committed nothing of {topic.name}"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic.name, place.partition) for place in commits])
        await consumer.commit({place: (one.offset, one.metadata) for place, one in commits.items()})
    finally:
        await consumer.stop()
