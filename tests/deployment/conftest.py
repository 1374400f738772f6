"""A Kafka for the tests of this folder, each of which begins without any topic."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.embedded.kafka import Kafka
from app.kafka.admin import connected, partition_counts
from app.settings import Settings
from tests.support.chat import until


@pytest.fixture(scope="package")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kafka]:
    async with Kafka(tmp_path_factory.mktemp("deployment")) as running:
        yield running


@pytest.fixture
async def settings(broker: Kafka) -> Settings:
    """Settings on a broker without any topic."""
    settings = Settings(broker=broker.url, partitions=2)
    async with connected(settings, 30) as admin:
        await admin.delete_topics(list(await partition_counts(admin)))

        async def empty() -> bool:
            return not await partition_counts(admin)

        await until(empty)
    return settings
