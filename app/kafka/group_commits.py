"""Commits of a consumer group that no process is in."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.settings import Settings


async def commit_offsets(
    settings: Settings, group: str, commits: Mapping[TopicPartition, OffsetAndMetadata]
) -> None:
    """Commit offsets for a group; returns when Kafka has them."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(list(commits))
        await consumer.commit(dict(commits))
    finally:
        await consumer.stop()
