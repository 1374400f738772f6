"""Reading and writing `chat.deployment`, which is small: every process reads all of it."""

from __future__ import annotations

from typing import Final

import structlog

from app.domain.deployment import Deployment, deployment_of
from app.errors import Malformed
from app.events import AnyBeginning, decode_beginning, encode
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.settings import Settings
from app.topics import DEPLOYMENT

log = structlog.get_logger()

#: All records are on one partition: their order counts.
PARTITION: Final = 0


async def read_deployment(reader: PartitionReader, topic: str = DEPLOYMENT) -> Deployment:
    """The deployment as the topic has it now; that of another region has another name."""
    found: list[AnyBeginning] = []
    async for record in reader.read(topic, PARTITION, 0):
        try:
            found.append(decode_beginning(record.value))
        except Malformed as error:
            log.warning("record skipped", topic=topic, reason=str(error))
    return deployment_of(found)


async def begin(settings: Settings, *beginnings: AnyBeginning) -> Deployment:
    """Write beginnings, and return the deployment after them.

    Another process may have written the same ones at the same time: those that came first count.
    """
    producer = new_producer(settings)
    await producer.start()
    try:
        for one in beginnings:
            await producer.send_and_wait(
                DEPLOYMENT, encode(one), key=b"deployment", partition=PARTITION
            )
    finally:
        await producer.stop()
    async with PartitionReader(settings) as reader:
        return await read_deployment(reader)
