"""A producer that gets over a batch which is lost.

The broker takes the batches of an idempotent producer in the order in which they were numbered, or
not at all. Where one is lost, in a partition that was long without a leader, say, or in a Kafka
that has lost its end, it refuses all that follow, for good. An agent then ends, and begins anew
(docs/decisions/idempotent-producer.md). An edge has readers, and takes another producer instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerFenced

log = structlog.get_logger()

#: What nothing but another producer helps against.
_STUCK = (OutOfOrderSequenceNumber, ProducerFenced)
_STOP_SECONDS = 10.0


class ResilientProducer:
    """What aiokafka's producer does, by one after the other of them."""

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._producer = make()
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start; raises what Kafka raises."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is under way, and stop."""
        if self._renewing is not None:
            await self._renewing
        await self._producer.stop()

    def create_batch(self) -> Any:
        """An empty batch for `send_batch`."""
        return self._producer.create_batch()

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Send a batch; what is returned is done when Kafka has it."""
        producer = self._producer
        return self._watched(producer, await producer.send_batch(batch, topic, partition=partition))

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, partition: int) -> Any:
        """Send a record, and return where it is. Raises what Kafka raises."""
        producer = self._producer
        sent = await producer.send(topic, value, key=key, partition=partition)
        return await self._watched(producer, sent)

    def _watched(
        self, producer: AIOKafkaProducer, sent: asyncio.Future[Any]
    ) -> asyncio.Future[Any]:
        sent.add_done_callback(partial(self._look, producer))
        return sent

    def _look(self, producer: AIOKafkaProducer, sent: asyncio.Future[Any]) -> None:
        if sent.cancelled() or not isinstance(sent.exception(), _STUCK):
            return
        if producer is self._producer and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        """Have another in its place; where Kafka is away, the next failure tries again."""
        log.warning("Kafka lacks a batch of this producer's, and gets another producer")
        old, new = self._producer, self._make()
        try:
            await _begin(new)
            self._producer = new
            async with asyncio.timeout(_STOP_SECONDS):
                await old.stop()
        except (KafkaError, TimeoutError) as error:
            log.warning("a producer did not start or stop", error=repr(error))
        finally:
            self._renewing = None


async def _begin(producer: AIOKafkaProducer) -> None:
    """Start it, or leave nothing of it behind."""
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
