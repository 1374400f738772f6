"""A producer that survives the loss of a batch, and its own end.

A broker takes the batches of an idempotent producer in the order of their numbers or not at all. If
one is lost, because its partition was long without a leader or because Kafka has lost its end, the
broker refuses all later ones for good. An agent then ends and begins anew
(docs/decisions/idempotent-producer.md). An edge has readers, and replaces its producer instead.

An error that aiokafka did not expect ends the task that sends; from then on every send fails. Such
a producer is replaced, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
        sent = await self._begun(producer, producer.send_batch(batch, topic, partition=partition))
        return self._watched(producer, sent)

    async def send_and_wait(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes,
        partition: int,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Any:
        """Send a record and return its place. Raises what Kafka raises."""
        producer = self._producer
        send = producer.send(
            topic, value, key=key, partition=partition, headers=list(headers) or None
        )
        return await self._watched(producer, await self._begun(producer, send))

    async def _begun(
        self, producer: AIOKafkaProducer, send: Awaitable[asyncio.Future[Any]]
    ) -> asyncio.Future[Any]:
        """Begin to send; a producer whose sender has ended raises here already."""
        try:
            return await send
        except KafkaError as error:
            self._replace_after(producer, error)
            raise

    def _watched(
        self, producer: AIOKafkaProducer, sent: asyncio.Future[Any]
    ) -> asyncio.Future[Any]:
        sent.add_done_callback(partial(self._check, producer))
        return sent

    def _check(self, producer: AIOKafkaProducer, sent: asyncio.Future[Any]) -> None:
        if not sent.cancelled():
            self._replace_after(producer, sent.exception())

    def _replace_after(self, producer: AIOKafkaProducer, error: BaseException | None) -> None:
        if not _is_lost(error) and not _is_of_ended_sender(error):
            return
        if producer is self._producer and self._replacing is None:
            self._replacing = asyncio.create_task(self._replace())

    async def _replace(self) -> None:
        """Replace the producer; if that fails, the next lost batch tries again."""
        log.warning("a batch of this producer is lost, or it has ended: it is replaced")
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


def _is_of_ended_sender(error: BaseException | None) -> bool:
    """Whether this is aiokafka's error after an unexpected one; each expected one has its class."""
    return type(error) is KafkaError


async def _start_whole(producer: AIOKafkaProducer) -> None:
    """Start the producer, or leave nothing of it running."""
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
