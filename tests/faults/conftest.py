"""A whole Parley with parts of its own, to be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.chat import Chat, data_folder
from tests.conftest import SECRET


class Frail:
    """A chat whose Kafka, Valkey, workers and edges a test may do anything to."""

    def __init__(self, kafka: Kafka, valkey: Valkey, chat: Chat) -> None:
        self.kafka = kafka
        self.valkey = valkey
        self.chat = chat


@pytest.fixture
async def frail(tmp_path: Path) -> AsyncIterator[Frail]:
    """One worker and one edge on a Kafka and a Valkey that no other test uses."""
    async with Kafka(tmp_path / "kafka") as kafka, Valkey(tmp_path / "valkey") as valkey:
        data = data_folder(tmp_path)
        chat = Chat(Settings(broker=kafka.url, redis=valkey.url, data=data, secret=SECRET))
        try:
            await chat.start()
            yield Frail(kafka, valkey, chat)
        finally:
            await chat.stop()
