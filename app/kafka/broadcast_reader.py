"""Reading whole topics in every process: rule sets, and sanctions that hold everywhere."""

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

_PAUSE_SECONDS = 1.0


class BroadcastReader:
    """Calls `take` with each record of some topics, from the beginning, without a group.

    After a lost connection it continues where it was.
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
            # Records come rarely, and a fetch is answered with the first of them. With the default
            # of 500 ms each reader that waits costs two requests a second. Not longer: a broker
            # answers the requests of a connection in turn, so metadata waits behind a fetch.
            fetch_max_wait_ms=2_000,
        )
        self._take = take
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when every record has been read that Kafka had at the time of the call."""
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
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, wait_ms: int) -> None:
        fetched = await self._consumer.getmany(*self._places, timeout_ms=wait_ms)
        for records in fetched.values():
            for record in records:
                self._pass_on(record)

    def _pass_on(self, record: Any) -> None:
        try:
            self._take(record)
        except Exception:  # one poisoned record must not stop those behind it
            log.exception("record skipped", topic=record.topic, offset=record.offset)
