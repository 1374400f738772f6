"""A chat on a Kafka and a Valkey of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.conftest import SECRET
from tests.support.chat import Chat, data_folder


@asynccontextmanager
async def chat_apart(base: Path, **changes: Any) -> AsyncIterator[Chat]:
    """One that no other test writes to, in this folder; stopped at the end."""
    async with Kafka(base / "kafka") as kafka, Valkey(base / "valkey") as valkey:
        own = {"broker": kafka.url, "redis": valkey.url, "data": data_folder(base)}
        chat = Chat(Settings(**own, secret=SECRET, **changes))
        try:
            await chat.start()
            yield chat
        finally:
            await chat.stop()
