"""Agents one at a time, by Faust's `test_context`, on a broker that no worker reads from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any

import pytest

from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.events import decode_dead
from app.kafka.admin import provision
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.stream.consumer_groups import ParleyApp, activate, active_context
from app.topics import DEAD, TOPICS, changelog
from tests.support.chat import until

Read = Callable[[str, int, int], Awaitable[list[Any]]]
Place = tuple[str, int, int]
Buried = Callable[..., Awaitable[dict[Place, str]]]


@pytest.fixture(scope="session")
async def bench(tmp_path_factory: pytest.TempPathFactory, apart: Valkey) -> AsyncIterator[Settings]:
    """Settings under which the agents are imported, with their producers started."""
    base = tmp_path_factory.mktemp("agents")
    async with Kafka(base / "kafka") as broker:
        own = {"broker": broker.url, "redis": apart.url, "data": base / "data"}
        settings = Settings(**own, worker="bench", text_limit=100)
        context = activate(settings)
        for name in ("moderation", "rooms", "fan_out", "answers", "archive", "review"):
            import_module(f"agents.{name}")
        pipeline = context.groups["pipeline"]
        logs = [changelog(pipeline.conf.id, table) for table in pipeline.tables]
        await provision(settings, [*TOPICS, *logs])
        pipeline.conf.tabledir.mkdir(parents=True)
        async with AsyncExitStack() as started:
            for app in context.groups.values():
                await app.producer.start()
                started.push_async_callback(app.producer.stop)
            yield settings


def groups() -> dict[str, ParleyApp]:
    """The consumer groups of the agents under test, by name."""
    return active_context().groups


@pytest.fixture
def read(bench: Settings) -> Read:
    """Reads a partition from an offset on, as soon as it has so many records."""

    async def records(topic: str, partition: int, count: int, start: int = 0) -> list[Any]:
        async def enough() -> list[Any] | None:
            async with PartitionReader(bench) as reader:
                found = [record async for record in reader.read(topic, partition, start)]
            return found if len(found) >= count else None

        found: list[Any] = await until(enough, within=20)
        return found

    return records


@pytest.fixture
def buried(bench: Settings) -> Buried:
    """What the group could not use, with the reason, as soon as these places are among it."""

    async def dead(group: str, *wanted: Place) -> dict[Place, str]:
        async def enough() -> dict[Place, str] | None:
            async with PartitionReader(bench) as reader:
                found = [
                    decode_dead(record.value)
                    for place in range(bench.partitions)
                    async for record in reader.read(DEAD, place, 0)
                ]
            of_it = {(d.topic, d.partition, d.offset): d.reason for d in found if d.group == group}
            return of_it if of_it.keys() >= set(wanted) else None

        found: dict[Place, str] = await until(enough, within=20)
        return found

    return dead


@asynccontextmanager
async def running(agent: Any) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """An agent with nothing but what is put before it: `put(key, value, partition, offset)`."""
    async with agent.test_context() as context:

        async def put(key: bytes, value: bytes, partition: int, offset: int) -> None:
            context.sent_offset = offset
            await context.put(value=value, key=key, partition=partition, wait=False)

        yield put
