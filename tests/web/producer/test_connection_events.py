"""Connections that open and close while Kafka is away are noted when it is back."""

from __future__ import annotations

import random
from functools import partial

import pytest
from aiokafka import AIOKafkaProducer

from app.domain.presence import Presence, after
from app.embedded.kafka import Kafka
from app.events import Connection, decode_connection
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.kafka.resilient_producer import ResilientProducer
from app.settings import Settings
from app.topics import CONNECTIONS
from tests.support.chat import until
from web.producer import connection_events
from web.producer.connection_events import ConnectionEvents

PEOPLE = [f"user{i}" for i in range(24)]


async def noted(settings: Settings) -> list[Connection]:
    async with PartitionReader(settings) as reader:
        return [
            decode_connection(record.value)
            for partition in range(settings.partitions)
            async for record in reader.read(CONNECTIONS, partition, 0)
        ]


def present(records: list[Connection]) -> set[str]:
    """The users who are there, by all that was noted."""
    known: dict[str, Presence] = {}
    for one in records:
        known[one.user] = after(known.get(one.user), one.what, one.connection, one.edge, one.at_ms)
    return {user for user, presence in known.items() if presence.open}


@pytest.mark.usefixtures("expiring")
async def test_after_an_outage_of_kafka_those_are_there_who_are_there(own_broker: Kafka) -> None:
    settings = Settings(broker=own_broker.url)
    made = 0

    def make() -> AIOKafkaProducer:
        nonlocal made
        made += 1
        return new_producer(settings, 1500)

    async def lost_a_batch() -> bool:
        return made > 1

    producer = ResilientProducer(make)
    await producer.start()
    events = ConnectionEvents(producer, "e", settings.partitions)
    opened = {user: events.opened(user, "sse") for user in PEOPLE}

    async def all_there() -> bool:
        return present(await noted(settings)) == set(PEOPLE)

    await until(all_there, within=60)
    own_broker.kill()
    left = random.sample(PEOPLE, 18)
    for user in left[:9]:
        events.closed(opened[user], "gone")
    await until(lost_a_batch, within=60)
    for user in left[9:]:
        events.closed(opened[user], "gone")
    passing = [events.opened("guest", "sse") for _ in range(3)]
    for one in passing:
        events.closed(one, "gone")
    await own_broker.start()

    async def right() -> bool:
        return present(await noted(settings)) == set(PEOPLE) - set(left)

    await until(right, within=60)
    await events.drain()
    assert present(await noted(settings)) == set(PEOPLE) - set(left)
    await producer.stop()


async def test_connections_that_only_passed_by_take_no_memory_in_a_long_outage(
    own_broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_events, "_MOST", 50)
    settings = Settings(broker=own_broker.url)
    producer = ResilientProducer(partial(new_producer, settings, 1500))
    await producer.start()
    events = ConnectionEvents(producer, "e", settings.partitions)
    stays = events.opened("ann", "sse")
    await events.drain()
    for _ in range(1000):
        events.closed(events.opened("ann", "sse"), "gone")
    assert sum(map(len, events._gathered.values())) <= 60
    events.closed(stays, "gone")
    await events.drain()
    assert present(await noted(settings)) == set()
    await producer.stop()
