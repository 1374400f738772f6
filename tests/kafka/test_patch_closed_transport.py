"""A request on a transport that uvloop has closed fails like one on any broken connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import uvloop
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from app.embedded.kafka import Kafka
from app.kafka.patch_closed_transport import expect_closed_transports


@pytest.fixture
def expecting() -> Iterator[None]:
    stock = AIOKafkaConnection.send
    expect_closed_transports()
    yield
    AIOKafkaConnection.send = stock


@pytest.mark.usefixtures("expecting")
def test_a_closed_transport_is_a_broken_connection_and_the_next_request_opens_another(
    kafka: Kafka,
) -> None:
    uvloop.run(_ask_twice(kafka.address, KafkaConnectionError))


def test_uvloop_and_aiokafka_alone_raise_what_a_group_does_not_expect(kafka: Kafka) -> None:
    uvloop.run(_ask_twice(kafka.address, RuntimeError))


async def _ask_twice(broker: str, expected: type[Exception]) -> None:
    """Ask on a connection whose transport was closed a turn of the loop before, and then again."""
    client = AIOKafkaClient(bootstrap_servers=broker)
    await client.bootstrap()
    try:
        connection = await client._get_conn(client.get_random_node())
        connection._writer.transport.abort()
        await asyncio.sleep(0)  # uvloop closes it in this turn, and the reader learns of it later
        with pytest.raises(RuntimeError) as raised:
            await connection.send(MetadataRequest([]))
        assert type(raised.value) is expected
        if expected is KafkaConnectionError:
            assert not connection.connected()
        assert await client.force_metadata_update()
    finally:
        await client.close()
