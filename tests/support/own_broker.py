"""A broker of the test's own, and producers that take part in its outages as those of edges do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka.producer.sender import SendProduceReqHandler

from app.embedded.kafka import Kafka
from app.kafka.admin import provision
from app.kafka.patch_batch_expiry import expire_batches
from app.settings import Settings
from app.topics import TOPICS


@pytest.fixture
async def own_broker(tmp_path: Path) -> AsyncIterator[Kafka]:
    """A broker with Parley's topics, to kill."""
    async with Kafka(tmp_path / "kafka") as kafka:
        await provision(Settings(broker=kafka.url), TOPICS)
        yield kafka


@pytest.fixture
def expiring() -> Iterator[None]:
    """Batches expire, as in an edge."""
    stock = SendProduceReqHandler._can_retry
    expire_batches()
    yield
    SendProduceReqHandler._can_retry = stock
