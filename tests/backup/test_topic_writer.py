"""Writing copies into another cluster, each once, whatever interrupts it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.backup.copied_record import CopiedRecord
from app.backup.topic_writer import TopicWriter
from app.embedded.kafka import Kafka
from app.errors import ParleyError
from app.kafka.admin import provision
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, Topic


def records(first: int, count: int) -> list[CopiedRecord]:
    return [
        CopiedRecord(n, 1_700_000_000_000 + n, b"key", b"value %d" % n, (("h", b"1"), ("n", None)))
        for n in range(first, first + count)
    ]


async def topic_of_its_own(settings: Settings) -> str:
    name = f"copy-{uuid4().hex}"
    await provision(settings, [Topic(name)])
    return name


async def values(settings: Settings, topic: str) -> list[bytes]:
    async with PartitionReader(settings) as reader:
        return [record.value async for record in reader.read(topic, 0, 0)]


async def test_a_record_arrives_with_its_key_headers_and_time(settings: Settings) -> None:
    topic = await topic_of_its_own(settings)
    async with TopicWriter(settings, "a") as writer:
        await writer.resume(topic, 0, 0)
        await writer.append(topic, 0, records(5, 1))
    async with PartitionReader(settings) as reader:
        (one,) = [record async for record in reader.read(topic, 0, 0)]
    assert (one.key, one.value, one.timestamp) == (b"key", b"value 5", 1_700_000_000_005)
    assert one.headers == (("h", b"1"), ("n", None))


async def test_an_interrupted_copy_goes_on_behind_its_last_record(settings: Settings) -> None:
    topic = await topic_of_its_own(settings)
    async with TopicWriter(settings, "a") as writer:
        assert await writer.resume(topic, 0, 100) == 100
        assert await writer.append(topic, 0, records(100, 10)) == 10
        await writer.note(topic, 0, 110)
        assert await writer.append(topic, 0, records(110, 7)) == 7
    async with TopicWriter(settings, "a") as writer:
        assert await writer.resume(topic, 0, 100) == 110
        assert await writer.append(topic, 0, records(105, 10)) == 0
        assert await writer.append(topic, 0, records(115, 15)) == 13
        await writer.note(topic, 0, 130)
    async with TopicWriter(settings, "a") as writer:
        assert await writer.resume(topic, 0, 100) == 130
    assert await values(settings, topic) == [b"value %d" % n for n in range(100, 130)]


async def test_a_long_copy_is_noted_on_its_way(settings: Settings) -> None:
    topic = await topic_of_its_own(settings)
    async with TopicWriter(settings, "a") as writer:
        await writer.resume(topic, 0, 0)
        await writer.append(topic, 0, records(0, 20_000))
    async with TopicWriter(settings, "a") as writer:
        assert await writer.resume(topic, 0, 0) == 20_000


async def test_a_topic_with_records_of_its_own_is_left_alone(settings: Settings) -> None:
    topic = await topic_of_its_own(settings)
    async with TopicWriter(settings, "a") as writer:
        await writer.resume(topic, 1, 0)
        await writer.append(topic, 1, records(0, 1))
        # As if anybody had written it: there is no note of it.
        await writer._producer.send_and_wait(topic, b"other", partition=0)
    async with TopicWriter(settings, "a") as writer:
        with pytest.raises(ParleyError, match="has records already"):
            await writer.resume(topic, 0, 0)


async def test_a_copy_from_another_source_is_not_continued(settings: Settings) -> None:
    topic = await topic_of_its_own(settings)
    async with TopicWriter(settings, "cluster a") as writer:
        await writer.resume(topic, 0, 0)
    async with TopicWriter(settings, "cluster b") as writer:
        with pytest.raises(ParleyError, match=r"another source \(cluster a\)"):
            await writer.resume(topic, 0, 0)


async def test_the_copy_of_a_shortened_log_is_known_to_be_short(own_broker: Kafka) -> None:
    settings = Settings(broker=own_broker.url)
    async with TopicWriter(settings, "a") as writer:
        await writer.resume(LOG, 0, 40)
        await writer.append(LOG, 0, records(40, 2))
        await writer.note(LOG, 0, 42)
        await writer.resume(LOG, 1, 0)
    async with PartitionReader(settings) as reader:
        assert await reader.begin(LOG, 0) == 1
        assert await reader.begin(LOG, 1) == 0
    assert await values(settings, LOG) == [b"value 40", b"value 41"]
    async with TopicWriter(settings, "a") as writer:
        assert await writer.resume(LOG, 0, 40) == 42
