"""`parley verify` names commands that were accepted, and have no outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.deployment.topic import begin
from app.embedded.kafka import Kafka
from app.events import (
    SRC,
    Moderated,
    OriginBegun,
    SendMessage,
    Source,
    Verdict,
    dead_of,
    encode,
    encode_src,
)
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.kafka.record import Record
from app.operations.reconcile import without_outcome
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import DEAD, LOG, MODERATED, RAW, VERDICTS, partition_of

ROOM = "tea"


class Pipeline:
    """Writes what the pipeline would have written, as far as a test says."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.partition = partition_of(ROOM, settings.partitions)
        self._producer = producer

    async def send(self, topic: str, value: bytes, **more: object) -> int:
        place = {"key": ROOM.encode(), "partition": self.partition, **more}
        return int((await self._producer.send_and_wait(topic, value, **place)).offset)

    async def accept(self) -> tuple[SendMessage, int]:
        command = SendMessage(room=ROOM, by="ann", id=uuid4().hex, client_id=uuid4().hex, text="x")
        return command, await self.send(RAW, encode(command))

    async def moderate(self, command: SendMessage, offset: int, origin: int = 0) -> int:
        moderated = Moderated(src=offset, origin=origin, at_ms=now_ms(), command=command)
        return await self.send(MODERATED, encode(moderated))

    async def number(self, offset: int, origin: int = 0) -> None:
        await self.send(LOG, b"{}", headers=[(SRC, encode_src(Source(origin, offset)))])

    async def bury(self, topic: str, offset: int) -> None:
        record = Record(topic, self.partition, offset, b"", b"", ())
        dead = dead_of(record, PIPELINE.id, "why")
        await self.send(DEAD, encode(dead), key=dead.place.encode())

    async def found(self) -> list[str]:
        """What is found when the group has committed all that there is."""
        places = [TopicPartition(topic, self.partition) for topic in (RAW, MODERATED)]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap,
            group_id=PIPELINE.id,
            enable_auto_commit=False,
        )
        async with consumer:
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.commit({p: OffsetAndMetadata(end, "") for p, end in ends.items()})
        return await self.look()

    async def look(self) -> list[str]:
        async with PartitionReader(self.settings) as reader:
            return await without_outcome(self.settings, reader, "")


@pytest.fixture
async def pipeline(own_broker: Kafka) -> AsyncIterator[Pipeline]:
    settings = Settings(broker=own_broker.url)
    async with new_producer(settings) as producer:
        yield Pipeline(settings, producer)


async def test_a_command_that_was_dropped_before_moderation_is_named(pipeline: Pipeline) -> None:
    done, offset = await pipeline.accept()
    await pipeline.moderate(done, offset)
    await pipeline.number(offset)
    lost, offset = await pipeline.accept()
    (line,) = await pipeline.found()
    assert lost.id in line
    assert f"{RAW}/{pipeline.partition}/{offset}" in line


async def test_a_command_that_was_taken_for_decided_is_named(pipeline: Pipeline) -> None:
    lost, offset = await pipeline.accept()
    at = await pipeline.moderate(lost, offset)
    (line,) = await pipeline.found()
    assert lost.id in line
    assert f"{MODERATED}/{pipeline.partition}/{at}" in line


async def test_an_event_a_verdict_and_a_dead_letter_are_outcomes(pipeline: Pipeline) -> None:
    command, offset = await pipeline.accept()
    await pipeline.moderate(command, offset)
    await pipeline.number(offset)
    command, offset = await pipeline.accept()
    await pipeline.moderate(command, offset)
    verdict = Verdict(id=command.id, room=ROOM, by="ann", client_id=command.client_id)
    await pipeline.send(VERDICTS, encode(verdict))
    command, offset = await pipeline.accept()
    await pipeline.bury(RAW, offset)
    command, offset = await pipeline.accept()
    await pipeline.bury(MODERATED, await pipeline.moderate(command, offset))
    assert await pipeline.found() == []


async def test_a_command_that_waits_is_not_named(pipeline: Pipeline) -> None:
    await pipeline.accept()
    assert await pipeline.look() == []


async def test_the_offset_of_an_earlier_origin_is_no_outcome(pipeline: Pipeline) -> None:
    command, offset = await pipeline.accept()
    await pipeline.moderate(command, offset, origin=0)
    await pipeline.number(offset)
    made_anew = OriginBegun(
        topic=RAW, partition=pipeline.partition, origin=1, start=0, at_ms=now_ms(), why="made anew"
    )
    await begin(pipeline.settings, made_anew)
    (line,) = await pipeline.found()
    assert command.id in line
    await pipeline.moderate(command, offset, origin=1)
    await pipeline.number(offset, origin=1)
    assert await pipeline.found() == []
