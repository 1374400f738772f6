"""Writing to `chat.connections` who comes and goes, for presence and for agents of your own."""

from __future__ import annotations

import asyncio
import time
from secrets import token_hex

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.events import Connection, encode
from app.topics import CONNECTIONS, partition_of

log = structlog.get_logger()


class Connections:
    """Tells Kafka of streams that open and close, without anybody waiting for it.

    A record can be lost with its edge; who needs to know for sure who is there lets what it
    heard grow old.
    """

    def __init__(self, producer: AIOKafkaProducer, edge: str, partitions: int) -> None:
        self._producer = producer
        self._edge = edge
        self._partitions = partitions
        self._writing: set[asyncio.Task[None]] = set()

    def opened(self, user: str, transport: str) -> Connection:
        """Note that a stream has opened; give the answer to `closed` in the end."""
        connection = Connection(
            user=user,
            what="opened",
            edge=self._edge,
            connection=token_hex(8),
            transport=transport,
            at_ms=_now_ms(),
        )
        self._write(connection)
        return connection

    def closed(self, opened: Connection, why: str) -> None:
        """Note that it has closed, and why."""
        self._write(
            Connection(
                user=opened.user,
                what="closed",
                edge=opened.edge,
                connection=opened.connection,
                transport=opened.transport,
                at_ms=_now_ms(),
                why=why,
            )
        )

    async def drain(self) -> None:
        """Return when all is written that was noted."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _write(self, connection: Connection) -> None:
        task = asyncio.create_task(self._send(connection))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _send(self, connection: Connection) -> None:
        try:
            await self._producer.send(
                CONNECTIONS,
                encode(connection),
                key=connection.user.encode(),
                partition=partition_of(connection.user, self._partitions),
            )
        except KafkaError as error:
            log.warning("connection not noted", error=repr(error))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
