"""Topics that every process reads whole: rule sets, sanctions that hold everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.settings import Settings
from app.topics import RULES_BYTES

log = structlog.get_logger()

_PAUSE = 1.0


class BroadcastReader:
    """Hands each record of some topics to `take`, from the beginning on, without a group.

    After a lost connection it goes on where it was.
    """

    def __init__(
        self, settings: Settings, topics: Sequence[str], take: Callable[[Any], None]
    ) -> None:
        self._places = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in range(settings.partitions)
        ]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=RULES_BYTES,
        )
        self._take = take
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when all has been read that was there when this was called."""
        await self._consumer.start()
        self._consumer.assign(self._places)
        ends = await self._consumer.end_offsets(self._places)
        await self._consumer.seek_to_beginning(*self._places)
        for place, end in ends.items():
            while await self._consumer.position(place) < end:
                await self._read(200)
        self._following = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop reading."""
        if self._following is not None:
            self._following.cancel()
        await self._consumer.stop()

    async def _follow(self) -> None:
        while True:
            try:
                await self._read(60_000)
            except (KafkaError, OSError) as error:
                log.warning("broadcast interrupted, trying again", error=repr(error))
                await asyncio.sleep(_PAUSE)

    async def _read(self, wait_ms: int) -> None:
        fetched = await self._consumer.getmany(*self._places, timeout_ms=wait_ms)
        for records in fetched.values():
            for record in records:
                self._hand_on(record)

    def _hand_on(self, record: Any) -> None:
        try:
            self._take(record)
        except Exception:  # whatever is in it, what comes after it counts
            log.exception("record passed over", topic=record.topic, offset=record.offset)
