"""What the tests of the whole way share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.chat import Chat, data_folder
from tests.conftest import SECRET


@pytest.fixture(scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    """A chat on a Kafka of its own: a verification reads everything that there is."""
    base = tmp_path_factory.mktemp("alone")
    async with Kafka(base / "kafka") as kafka, Valkey(base / "valkey") as valkey:
        chat = Chat(
            Settings(broker=kafka.url, redis=valkey.url, data=data_folder(base), secret=SECRET)
        )
        try:
            await chat.start()
            yield chat
        finally:
            await chat.stop()
