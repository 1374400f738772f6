"""A chat on a Kafka and a Valkey of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.conftest import SECRET
from tests.support.chat import Chat, data_folder


@asynccontextmanager
async def chat_apart(base: Path) -> AsyncIterator[Chat]:
    """One that no other test writes to, in this folder; stopped at the end."""
    async with Kafka(base / "kafka") as kafka, Valkey(base / "valkey") as valkey:
        chat = Chat(
            Settings(broker=kafka.url, redis=valkey.url, data=data_folder(base), secret=SECRET)
        )
        try:
            await chat.start()
            yield chat
        finally:
            await chat.stop()
