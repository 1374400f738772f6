"""A commit tells whether its topic is still the one that it was about."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP

from app.kafka.admin import provision
from app.kafka.partition_reader import PartitionReader
from app.kafka.record import record_of
from app.settings import Settings
from app.stream.commit_marks import CommitMark, divergences, mark_of, parsed
from app.topics import Topic
from tests.support.topic_surgery import make_anew

#: Its records have times of long ago.
TOPIC = Topic("commit-marks", {"retention.ms": "-1"})
PLACE = TP(TOPIC.name, 0)

#: The records are a minute apart.
MINUTE = 60_000


async def write(settings: Settings, values: list[str]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    try:
        for number, value in enumerate(values, 1):
            await producer.send_and_wait(
                TOPIC.name, value.encode(), partition=0, timestamp_ms=number * MINUTE
            )
    finally:
        await producer.stop()


async def records(settings: Settings) -> list[Any]:
    async with PartitionReader(settings) as reader:
        return [record async for record in reader.read(TOPIC.name, 0, 0)]


@pytest.fixture
async def mark(settings: Settings) -> CommitMark:
    """The mark of a group that has read three of four records, at the time of the third."""
    await provision(settings, [TOPIC])
    await make_anew(settings, TOPIC)
    await write(settings, ["a", "b", "c", "d"])
    third = record_of((await records(settings))[2])
    return mark_of(third, 3 * MINUTE)


async def found(settings: Settings, mark: CommitMark) -> dict[TP, int]:
    told = await divergences(settings, {PLACE: (3, mark.text())})
    return {place: one.start for place, one in told.items()}


async def test_a_topic_that_is_as_it_was_is_read_on(settings: Settings, mark: CommitMark) -> None:
    assert await found(settings, mark) == {}


async def test_a_topic_made_anew_is_read_from_about_the_time_of_the_commit(
    settings: Settings, mark: CommitMark
) -> None:
    await make_anew(settings, TOPIC)
    await write(settings, ["p", "q", "r", "s", "t"])
    # The third is of the time of the commit, 30 s before which no other is.
    assert await found(settings, mark) == {PLACE: 2}


async def test_a_topic_that_is_shorter_is_read_on_from_its_end(
    settings: Settings, mark: CommitMark
) -> None:
    await make_anew(settings, TOPIC)
    await write(settings, ["a", "b"])
    assert await found(settings, mark) == {PLACE: 2}


async def test_a_record_that_waited_is_a_mark_as_well(settings: Settings, mark: CommitMark) -> None:
    fourth = mark_of(record_of((await records(settings))[3]), 3 * MINUTE)
    assert await found(settings, fourth) == {}
    await make_anew(settings, TOPIC)
    await write(settings, ["a", "b", "c", "another"])
    assert await found(settings, fourth) == {PLACE: 2}


async def test_a_commit_of_before_has_no_mark(settings: Settings, mark: CommitMark) -> None:
    assert parsed("") is None
    assert parsed(mark.text()) == mark
    assert await divergences(settings, {PLACE: (3, "")}) == {}
    told = await divergences(settings, {PLACE: (9, "")})
    assert told[PLACE].start == 0
