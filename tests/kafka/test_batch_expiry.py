"""A send that no broker takes fails in time, and does not come into the log long after."""

from __future__ import annotations

from functools import partial

import pytest
from aiokafka.errors import KafkaError

from app.embedded.kafka import Kafka
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import DELIVERY_MS, new_producer
from app.kafka.resilient_producer import ResilientProducer
from app.settings import Settings
from app.topics import RAW
from tests.support.chat import until


async def values(settings: Settings) -> list[bytes]:
    async with PartitionReader(settings) as reader:
        return [record.value async for record in reader.read(RAW, 0, 0)]


@pytest.mark.usefixtures("expiring")
async def test_a_send_that_no_broker_takes_fails_and_never_comes_later(own_broker: Kafka) -> None:
    settings = Settings(broker=own_broker.url)
    producer = ResilientProducer(partial(new_producer, settings, 2000))
    await producer.start()

    async def send(value: bytes) -> bool:
        try:
            await producer.send_and_wait(RAW, value, key=b"k", partition=0)
        except KafkaError:
            return False
        return True

    await until(partial(send, b"before"), within=60)  # a busy machine may miss the 2 s
    own_broker.kill()

    async def fails() -> bool:
        return not await send(b"refused")

    await until(fails, within=20)
    await own_broker.start()
    await until(partial(send, b"after"), within=60)
    found = await values(settings)
    assert found[0] == b"before"
    assert b"refused" not in found
    assert b"after" in found
    await producer.stop()


def test_the_time_is_that_of_the_decision() -> None:
    assert DELIVERY_MS == 30_000
