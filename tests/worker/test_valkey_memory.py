from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.delivery.valkey import connect
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.worker import valkey_memory
from app.worker.valkey_memory import ValkeyMemory
from tests.metrics.scraped import value


@asynccontextmanager
async def memory_of(url: str) -> AsyncIterator[ValkeyMemory]:
    redis = connect(url)
    try:
        yield ValkeyMemory(redis)
    finally:
        await redis.aclose()


async def test_without_a_limit_all_memory_of_the_machine_is_valkeys(apart: Valkey) -> None:
    async with memory_of(apart.url) as memory:
        await memory.refresh()
        found = list(memory.collect())
        used = value(found, "parley_valkey_memory_bytes")
        limit = value(found, "parley_valkey_memory_limit_bytes")
        assert used is not None
        assert limit is not None
        assert 0 < used < limit


async def test_nothing_is_told_while_valkey_is_away() -> None:
    async with memory_of(f"redis://127.0.0.1:{free_port()}/0") as memory:
        await memory.refresh()
        assert list(memory.collect()) == []


async def test_a_silent_valkey_does_not_keep_the_scrape_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(valkey_memory, "_SECONDS", 0.1)
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        async with memory_of(f"redis://127.0.0.1:{port}/0") as memory:
            async with asyncio.timeout(3):
                await memory.refresh()
            assert list(memory.collect()) == []
