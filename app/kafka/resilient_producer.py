"""A producer that survives the loss of a batch.

A broker takes the batches of an idempotent producer in the order of their numbers or not at all. If
one is lost, because its partition was long without a leader or because Kafka has lost its end, the
broker refuses all later ones for good. An agent then ends and begins anew
(docs/decisions/idempotent-producer.md). An edge has readers, and replaces its producer instead.
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

#: Errors after which only another producer can write.
_STUCK = (OutOfOrderSequenceNumber, ProducerFenced)
_STOP_SECONDS = 10.0


class ResilientProducer:
    """The interface of aiokafka's producer over one producer after the other."""

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._producer = make()
        self._replacing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start; raises what Kafka raises."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is in flight, and stop."""
        if self._replacing is not None:
            await self._replacing
        await self._producer.stop()

    def create_batch(self) -> Any:
        """An empty batch for `send_batch`."""
        return self._producer.create_batch()

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Send a batch; the returned future is done when Kafka has it."""
        producer = self._producer
        return self._watched(producer, await producer.send_batch(batch, topic, partition=partition))

    async def send_and_wait(
        self, topic: str, value: bytes | None, *, key: bytes, partition: int
    ) -> Any:
        """Send a record and return its place. Raises what Kafka raises."""
        producer = self._producer
        sent = await producer.send(topic, value, key=key, partition=partition)
        return await self._watched(producer, sent)

    def _watched(
        self, producer: AIOKafkaProducer, sent: asyncio.Future[Any]
    ) -> asyncio.Future[Any]:
        sent.add_done_callback(partial(self._check, producer))
        return sent

    def _check(self, producer: AIOKafkaProducer, sent: asyncio.Future[Any]) -> None:
        if sent.cancelled() or not _is_lost(sent.exception()):
            return
        if producer is self._producer and self._replacing is None:
            self._replacing = asyncio.create_task(self._replace())

    async def _replace(self) -> None:
        """Replace the producer; if that fails, the next lost batch tries again."""
        log.warning("Kafka has lost a batch of this producer, which is replaced")
        old, new = self._producer, self._make()
        try:
            await _start_whole(new)
            self._producer = new
            async with asyncio.timeout(_STOP_SECONDS):
                await old.stop()
        except (KafkaError, TimeoutError) as error:
            log.warning("a producer did not start or stop", error=repr(error))
        finally:
            self._replacing = None


def _is_lost(error: BaseException | None) -> bool:
    """Whether a batch of the producer is lost: it was refused for that, or has expired."""
    return isinstance(error, _STUCK) or (isinstance(error, KafkaError) and error.retriable)


async def _start_whole(producer: AIOKafkaProducer) -> None:
    """Start the producer, or leave nothing of it running."""
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
