"""Agents one at a time, by Faust's `test_context`, on a broker that no worker reads from."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest

from app.embedded.kafka import Kafka
from app.groups import groups
from app.log_reader import LogReader
from app.provision import provision
from app.settings import Settings
from app.topics import TOPICS, changelog
from tests.chat import until

Read = Callable[[str, int, int], Awaitable[list[Any]]]


@pytest.fixture(scope="session")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Settings]:
    """Settings under which the agents are imported, with their producers started."""
    base = tmp_path_factory.mktemp("agents")
    async with Kafka(base / "kafka") as broker:
        settings = Settings(broker=broker.url, data=base / "data", worker="bench", text_limit=100)
        before = dict(os.environ)
        os.environ |= settings.environ()
        try:
            import_module("agents.moderation")
            import_module("agents.rooms")
        finally:
            os.environ.clear()
            os.environ |= before
        pipeline = groups()["pipeline"]
        logs = [changelog(pipeline.conf.id, table) for table in pipeline.tables]
        await provision(settings, [*TOPICS, *logs])
        pipeline.conf.tabledir.mkdir(parents=True)
        await pipeline.producer.start()
        yield settings
        await pipeline.producer.stop()


@pytest.fixture
def read(bench: Settings) -> Read:
    """Reads a partition from an offset on, as soon as it has so many records."""

    async def records(topic: str, partition: int, count: int, start: int = 0) -> list[Any]:
        async def enough() -> list[Any] | None:
            async with LogReader(bench) as reader:
                found = [record async for record in reader.read(topic, partition, start)]
            return found if len(found) >= count else None

        found: list[Any] = await until(enough, within=20)
        return found

    return records


@asynccontextmanager
async def running(agent: Any) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """An agent with nothing but what is put before it: `put(key, value, partition, offset)`."""
    async with agent.test_context() as context:

        async def put(key: bytes, value: bytes, partition: int, offset: int) -> None:
            context.sent_offset = offset
            await context.put(value=value, key=key, partition=partition, wait=False)

        yield put
