"""A client that knows only dead brokers finds the cluster by those of the settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import BrokerMetadata

from app.embedded.kafka import Kafka
from app.embedded.ports import free_port
from app.kafka.patch_rebootstrap import rebootstrap_from_settings
from app.topics import RAW


@pytest.fixture
def remembering() -> Iterator[None]:
    stock = AIOKafkaClient._metadata_update
    rebootstrap_from_settings()
    yield
    AIOKafkaClient._metadata_update = stock


@pytest.mark.usefixtures("remembering")
async def test_a_client_that_knows_dead_brokers_alone_finds_the_cluster_again(kafka: Kafka) -> None:
    client = AIOKafkaClient(bootstrap_servers=kafka.address)
    await client.bootstrap()
    try:
        await client.set_topics([RAW])
        client.cluster._brokers = {9: BrokerMetadata(9, "127.0.0.1", free_port(), None)}
        assert await client.force_metadata_update()
        assert [broker.port for broker in client.cluster.brokers()] == [kafka.port]
        assert client.cluster.partitions_for_topic(RAW)
    finally:
        await client.close()
